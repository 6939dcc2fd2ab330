"""Columns and boards of a challenge, as organisers write them."""
