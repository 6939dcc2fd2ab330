"""A small library that runs jobs on Slurm. It knows nothing of portals or challenges."""
