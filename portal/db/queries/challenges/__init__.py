"""Challenges as their pages and exports need them."""
