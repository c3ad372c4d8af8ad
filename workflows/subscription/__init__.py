"""One subscription's life: the loop and its parts."""
