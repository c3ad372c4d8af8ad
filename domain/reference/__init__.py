"""Reference models of the ledger's SQL; tests hold the two equal."""
