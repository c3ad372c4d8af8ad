"""What updates and signals ask for, carried out: one module for each theme."""
