"""Work on large files beside the passes."""
