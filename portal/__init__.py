"""The web portal and its worker: people hand in submissions, the cluster scores them."""
