"""Cheats that the portal tries itself before a challenge opens: small archives, made of what is known of a task."""
