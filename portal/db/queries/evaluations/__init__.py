"""Jobs, attempts, images and measurements of data, for the worker and for planning."""
