"""What prices cost: the real workflow and ledger live through usage in virtual time."""
