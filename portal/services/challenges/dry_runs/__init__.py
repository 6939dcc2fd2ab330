"""Trying a challenge before it opens: what is submitted, what came of it, and what publishing asks of it."""
