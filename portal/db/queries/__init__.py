"""Named queries: what the services ask the database, one module per area."""
