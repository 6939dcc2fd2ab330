"""Tries that teams are given beside the limits, for programs."""

from typing import Annotated

from fastapi import Header

from portal.services.submissions import extra_tries
from portal.services.submissions.extra_tries import ListedTries
from portal.services.submissions.idempotency import MAX_KEY_CHARS
from portal.web.api import models
from portal.web.api.calls import Organising, PageNumber, Slug


def given(call: Organising, slug: Slug, page: PageNumber = 1) -> models.AllTries:
    """List the tries that teams of a challenge that you organise were given beside the limits."""
    found = call.read(extra_tries.tries_page, actor=call.actor, slug=slug, page=page, now=call.now)
    return models.AllTries(items=[_tries(row) for row in found.rows], **call.place(found.pages))


def give(
    call: Organising,
    slug: Slug,
    wanted: models.TriesWanted,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            max_length=MAX_KEY_CHARS,
            description="Your own name for this call: sent again, it gives nothing.",
        ),
    ] = "",
) -> models.GivenTries:
    """Give a team tries in a phase of a challenge that you organise; it reads why.

    An extra try is used where a limit has no room.
    """
    made = call.write(
        extra_tries.give,
        actor=call.actor,
        slug=slug,
        phase_slug=wanted.phase,
        team_id=wanted.team,
        number=wanted.number,
        reason=wanted.reason,
        once=f"call {idempotency_key}" if idempotency_key else "",
        now=call.now,
    )
    return _tries(made)


def _tries(row: ListedTries) -> models.GivenTries:
    return models.GivenTries(
        id=row.given.id,
        phase=row.given.phase_slug,
        team=row.team_id,
        team_name=row.team,
        number=row.given.number,
        reason=row.given.reason,
        by=row.by,
        given_at=row.given.given_at,
    )
