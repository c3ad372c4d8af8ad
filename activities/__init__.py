"""One class per collaborator: ledger, payments, notifications."""
