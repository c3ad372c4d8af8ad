"""The only writer of wallets, grants, entries, charges and postings."""
