"""What is left of a challenge when its portal is gone: all that everybody sees of it now."""
