"""HTTP to the seller's own systems: only to addresses that anybody may reach."""
