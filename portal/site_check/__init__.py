"""Checking a site before it opens: what is set up wrongly, what follows from it, and the line to change."""
