"""Evaluations: planning, attempts, images, results, and their place in the queue."""
