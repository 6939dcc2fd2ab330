"""What every request passes: limits, sessions, tokens, headers and the log."""
