"""The practice site: a real Slurm and Apptainer on one machine, to try, to demonstrate and to test on."""
