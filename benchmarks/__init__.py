"""Measures speed and quality beside rivals; nothing in the product imports it."""
