"""Challenges: importing, relations of people to them, and their pages."""
