"""What work is done for."""
