"""The Nexus service: usage, holds and balances for workflows of other teams."""
