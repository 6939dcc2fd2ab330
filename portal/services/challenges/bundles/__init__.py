"""Bundles of challenges: what is proposed, looked at, written down and imported."""
