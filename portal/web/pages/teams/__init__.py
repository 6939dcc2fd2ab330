"""Pages of teams and of those who take part."""
