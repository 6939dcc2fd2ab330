"""The web portal and its worker: people submit, the cluster scores."""
