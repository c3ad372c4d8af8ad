"""The hot path: usual usage and checks, read and answered with as little as they need."""
