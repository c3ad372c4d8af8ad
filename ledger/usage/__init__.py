"""Debits, holds and corrections, each one function of the database."""
