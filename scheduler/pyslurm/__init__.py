"""The batch system through pyslurm, in a process of its own."""
