"""Slurm's words, whichever way it is asked."""
