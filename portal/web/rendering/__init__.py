"""How values become pages."""
