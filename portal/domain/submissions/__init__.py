"""What a team can submit, what is disclosed of it, and how its timeline reads."""
