"""What a member asks an admin for."""
