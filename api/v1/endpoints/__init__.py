"""What the door offers, one module a theme."""
