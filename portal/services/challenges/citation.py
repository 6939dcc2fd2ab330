"""What somebody needs who cites a challenge."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain.accounts.people import Actor
from portal.services.challenges.context import look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A challenge as a work. Its organisers are not named: they have not said that they want to be."""

    slug: str
    title: str
    began_at: datetime
    """When its first phase did, or does."""


def citation(session: Session, *, actor: Actor, slug: str, now: datetime) -> Citation:
    """Return how a challenge is cited; raise ``NotFoundError`` if there is none that the actor may see."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    starts = [phase.starts_at for phase in visible.challenge.phases]
    return Citation(
        slug=visible.challenge.slug,
        title=visible.challenge.title,
        began_at=min(starts, default=visible.challenge.created_at),
    )
