"""Simulations that the operators' console asks for: a worker of the toolbox runs them."""
