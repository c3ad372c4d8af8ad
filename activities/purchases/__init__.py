"""Credits that are bought or given."""
