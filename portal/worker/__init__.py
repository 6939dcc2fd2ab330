"""The reconcile loop: makes the cluster agree with the database."""
