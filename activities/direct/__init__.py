"""Usage, holds and checks decided without a workflow in between, by the same rules."""
