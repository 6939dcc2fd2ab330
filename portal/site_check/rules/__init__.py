"""The rules of a check, by area, and what they look at on this machine."""
