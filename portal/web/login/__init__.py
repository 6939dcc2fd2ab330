"""Logging in at identity providers."""
