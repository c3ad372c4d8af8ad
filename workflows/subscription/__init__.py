"""One subscription's life: the loop, and the parts that it is made of."""
