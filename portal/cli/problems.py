"""Errors that somebody can act on, as one sentence."""

from sqlalchemy.exc import OperationalError

from portal.domain.errors import PortalError
from site_config.errors import SettingsError


def message_of(problem: Exception) -> str | None:
    """Return what to tell the operator; None for a defect, which needs its traceback."""
    if isinstance(problem, OperationalError):
        return f"the database cannot be used: {problem.orig}"
    return str(problem) if isinstance(problem, PortalError | SettingsError | OSError) else None
