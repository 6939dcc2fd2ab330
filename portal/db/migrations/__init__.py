"""Alembic's migrations; ``portal.db.schema`` runs them."""
