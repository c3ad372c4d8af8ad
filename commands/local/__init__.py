"""Commands of the toolbox: the local stack, the demo and the simulator."""
