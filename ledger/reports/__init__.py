"""Reports: questions about credits and money that reconcile to the ledger; see docs/reports.md."""
