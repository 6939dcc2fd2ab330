"""What an attempt needs before it is sent: its run directory and its script."""
