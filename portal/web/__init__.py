"""The Starlette application: pages, login and uploads."""
