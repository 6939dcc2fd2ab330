"""Pages of a person's own account and of logging in."""
