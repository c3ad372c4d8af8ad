"""HTTP with others: the processor's events to us, and ours to addresses that anybody may reach."""
