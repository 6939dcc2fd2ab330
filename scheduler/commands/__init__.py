"""The batch system through Slurm's own commands."""
