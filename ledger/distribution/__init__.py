"""The ledger on several machines: where each table goes, and the statements that put it there."""
