"""What a job has written: copied, read and removed without trusting it."""
