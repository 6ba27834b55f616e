"""Thefts, at every level of evasion."""
