"""Commands and files through SSH."""
