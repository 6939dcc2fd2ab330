"""What is true of the whole site: findings of its checks, and whether it is alive."""
