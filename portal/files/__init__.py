"""Uploads kept by their digest, and the strict readers of what jobs and people submit."""
