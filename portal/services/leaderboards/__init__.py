"""Leaderboards: standings, pages, and how much scores could leak."""
