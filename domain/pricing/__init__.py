"""What is sold, what usage costs, what purchases and changes of plan cost."""
