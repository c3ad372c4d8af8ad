"""Usage, holds and corrections, priced by the catalog and decided by the ledger."""
