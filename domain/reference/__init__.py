"""Rules that the ledger's SQL carries out: run by tests, which hold the two equal."""
