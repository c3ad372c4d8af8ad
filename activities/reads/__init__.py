"""Answers to reads: JSON values with credits as decimal texts."""
