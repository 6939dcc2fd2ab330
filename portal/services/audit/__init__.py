"""The audit log: written, verified, compared with results, and shown."""
