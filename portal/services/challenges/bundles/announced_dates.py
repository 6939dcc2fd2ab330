"""What to announce of a revision that has changed dates: a draft, which organisers read and publish themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.revisions import RevisionState
from portal.domain.challenges.time_zones import beside_utc
from portal.domain.errors import NotFoundError
from portal.services.challenges import access
from portal.services.challenges.bundles import revisions
from site_config import challenge as bundle
from site_config.bundle import settings_of
from site_config.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An announcement that nobody has published."""

    title: str
    text: str


def draft(session: Session, *, actor: Actor, slug: str, number: int, now: datetime) -> Draft | None:
    """Return what to announce of the dates that an applied revision has changed; None for nothing.

    Raises ``NotFoundError`` for whoever may not announce anything.
    """
    visible = access.find(session, actor, slug)
    if not permissions.may_announce(actor, visible.relation):
        raise NotFoundError
    row = revisions.find(session, slug, number)
    if row.state is not RevisionState.APPLIED or row.base_number is None:
        return None
    before = revisions.find(session, slug, row.base_number)
    try:
        return of_change(settings_of(before.settings), settings_of(row.settings), now=now)
    except SettingsError:
        # What another release wrote.
        return None


def of_change(before: bundle.Challenge, after: bundle.Challenge, *, now: datetime) -> Draft | None:
    """Return what to announce of changed dates; None where no date has changed that anybody waits for."""
    was = {phase.id: phase for phase in before.phases}
    lines = [
        line
        for phase in after.phases
        if phase.id in was
        for line in _lines(was[phase.id], phase, after.timezone or "", now)
    ]
    if not lines:
        return None
    longer = all(
        phase.id not in was
        or (phase.start <= was[phase.id].start and phase.end >= was[phase.id].end)
        for phase in after.phases
    )
    return Draft(title="More time" if longer else "New dates", text="\n".join(lines))


def _lines(before: bundle.Phase, after: bundle.Phase, zone: str, now: datetime) -> Iterator[str]:
    title = _plain(after.title or after.id)
    for was, becomes, word in (
        (before.start, after.start, "opens"),
        (before.end, after.end, "closes"),
    ):
        # What has been and stays so is no news.
        if was == becomes or (was <= now and becomes <= now and before.end <= now >= after.end):
            continue
        yield f"- **{title}** {word} {_moment(becomes, zone)}. It was {_moment(was, zone)}."


def _moment(moment: datetime, zone: str) -> str:
    local = beside_utc(moment, zone)
    beside = f" ({local})" if local else ""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC{beside}"


def _plain(title: str) -> str:
    """Return a title that no sign of is taken for Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|~$&" else char for char in title)
