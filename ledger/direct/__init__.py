"""What debits without a workflow need: plans in memory, and who waits for credits."""
