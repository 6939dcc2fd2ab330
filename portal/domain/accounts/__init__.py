"""Who logs in, what providers say of people, and what their sessions and tokens may be."""
