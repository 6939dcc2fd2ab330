"""What helps organisers to write a challenge on their own machine, without a site."""
