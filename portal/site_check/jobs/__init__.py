"""The jobs of a check: sent through the site's own adapter, and what they saw."""
