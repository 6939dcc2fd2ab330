"""What runs inside the site, on its own Python: only the standard library, and nothing of this project."""
