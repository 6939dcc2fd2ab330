"""Requests that bring a file."""
