"""Benchmarks: how fast the leaderboard is, and how long the portal keeps a submission waiting."""
