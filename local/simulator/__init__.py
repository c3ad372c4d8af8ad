"""What prices cost: the real workflow and ledger run usage in virtual time."""
