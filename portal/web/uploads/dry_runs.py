"""Starting a dry run: its cheats are made and put into the store, then all of it is written at once."""

from portal.domain.errors import ParticipantError
from portal.files.store import StorageFullError
from portal.services.challenges.dry_runs import starting
from portal.services.challenges.dry_runs.trials import trials_of
from portal.web.request_context import PageRequest

NO_ROOM = "The site has no room for uploads at the moment: nothing was started. Try again later, or tell its staff."


def start(request: PageRequest, slug: str, *, with_long: bool) -> int:
    """Start a dry run, or find the one that runs; return its number.

    Raises ``NotFoundError``, ``NotAllowedError`` and ``ParticipantError``.
    """
    plan = request.read(
        starting.plan,
        actor=request.actor,
        slug=slug,
        resources=request.context.resources,
        now=request.now,
    )
    try:
        trials, notes = trials_of(plan, request.context.store, with_long=with_long)
    except StorageFullError as error:
        raise ParticipantError(NO_ROOM, reason="no_room") from error
    return request.write(
        starting.start,
        actor=request.actor,
        slug=slug,
        subject=plan.subject,
        trials=trials,
        notes=notes,
        now=request.now,
    )
