"""What people and programs read of one customer, each answer from one snapshot."""
