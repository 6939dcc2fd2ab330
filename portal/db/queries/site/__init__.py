"""What staff ask of the whole site."""
