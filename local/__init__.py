"""The embedded stack for one machine: PostgreSQL, Temporal, stand-ins. Never for production."""
