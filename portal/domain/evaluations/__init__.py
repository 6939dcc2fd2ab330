"""Jobs and their attempts: states, failures, verdicts, and what they may share."""
