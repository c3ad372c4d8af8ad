"""The rules of credit billing: pure functions and frozen values, no I/O, no clock."""
