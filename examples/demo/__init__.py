"""The demo: a whole challenge on a practice cluster, from login to leaderboard, in one command."""
