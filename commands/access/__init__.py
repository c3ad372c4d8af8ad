"""Commands about who may come in: keys of programs, accounts and links of people."""
