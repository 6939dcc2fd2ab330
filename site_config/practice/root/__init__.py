"""The root file system of the practice site, and the releases of Slurm in it."""
