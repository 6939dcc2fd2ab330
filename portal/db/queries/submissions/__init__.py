"""Submissions and the logs of their runs."""
