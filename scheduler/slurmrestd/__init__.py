"""The batch system through slurmrestd, Slurm's REST service."""
