"""Populations that do nothing wrong, each with a trait that looks as if it did."""
