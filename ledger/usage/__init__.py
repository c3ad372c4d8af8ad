"""Debits, holds and corrections, each one SQL function."""
