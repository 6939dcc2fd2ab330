"""What the pages of challenges show: the list, the overview, and the organisers' pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.challenges import challenge_pages as queries
from portal.db.tables import Challenge, Task
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.challenges import life
from portal.domain.challenges.calendar import PhaseStatus, TimeWindow, challenge_status, current
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.errors import NotFoundError
from portal.domain.permissions import Readers
from portal.services.challenges.context import Frame, look_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A challenge in the list of all."""

    slug: str
    title: str
    summary: str
    status: PhaseStatus
    state: ChallengeState
    phase: str
    window: TimeWindow | None
    """Of the phase that is on, or else of the next or the last one."""
    teams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The list of challenges by what can be done with them."""

    open: tuple[Card, ...]
    coming: tuple[Card, ...]
    past: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """What a submission is run with; the private data has no name here."""

    slug: str
    phases: tuple[str, ...]
    argv: tuple[str, ...]
    required_outputs: tuple[str, ...]
    output_limit: int
    output_files: int
    profile: Profile | None
    """None while the site does not offer the profile that the challenge names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A challenge: its first page and the hard facts."""

    frame: Frame
    text: str
    folder: str
    """Where the page's file lies in the bundle; its pictures are relative to that."""
    tasks: tuple[TaskFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPage:
    """One page that the organisers wrote."""

    frame: Frame
    slug: str
    title: str
    text: str
    folder: str
    """Where its file lies in the bundle; its pictures are relative to that."""


def home(session: Session, *, actor: Actor, now: datetime) -> Home:
    """List the challenges that the actor may see."""
    every = permissions.may_see_staff_pages(actor)
    # A token that may only read sees what everybody sees, whoever its owner is.
    organiser = actor.person_id if permissions.may_use(actor, Scope.ORGANISE) else None
    teams = queries.team_counts(session)
    cards = [
        _card(challenge, teams.get(challenge.id, 0), now)
        for challenge in queries.open_to(session, organiser, every=every)
    ]
    return Home(
        open=_with_status(cards, PhaseStatus.OPEN),
        coming=_with_status(cards, PhaseStatus.UPCOMING),
        past=_with_status(cards, PhaseStatus.CLOSED),
    )


def overview(
    session: Session, *, actor: Actor, slug: str, resources: Resources, now: datetime
) -> Overview:
    """Return the first page of a challenge with its facts."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    page = queries.page_text(session, visible.challenge.id, None)
    tasks = queries.tasks_by_phase(session, visible.challenge.id)
    return Overview(
        frame=visible.frame,
        text=page.markdown if page else "",
        folder=page.folder if page else "",
        tasks=_task_facts(visible.frame, visible.challenge, tasks, resources),
    )


def page(session: Session, *, actor: Actor, slug: str, page_slug: str, now: datetime) -> TextPage:
    """Return a page that the organisers wrote."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    row = queries.page_text(session, visible.challenge.id, page_slug)
    if row is None or not (visible.frame.is_inside or row.readers is Readers.EVERYBODY):
        raise NotFoundError
    return TextPage(
        frame=visible.frame,
        slug=row.slug,
        title=row.title,
        text=row.markdown,
        folder=row.folder,
    )


def terms(session: Session, *, actor: Actor, slug: str, now: datetime) -> TextPage:
    """Return the terms of a challenge that has some."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.has_terms:
        raise NotFoundError
    return TextPage(
        frame=visible.frame,
        slug="terms",
        title="Terms",
        text=visible.challenge.terms,
        folder=visible.challenge.terms_folder,
    )


def _card(challenge: Challenge, teams: int, now: datetime) -> Card:
    windows = [TimeWindow(starts_at=p.starts_at, ends_at=p.ends_at) for p in challenge.phases]
    place = _most_relevant(windows, now)
    return Card(
        slug=challenge.slug,
        title=challenge.title,
        summary=challenge.summary,
        status=life.status(challenge.state, windows, now),
        state=challenge.state,
        phase=challenge.phases[place].title if windows else "",
        window=windows[place] if windows else None,
        teams=teams,
    )


def _most_relevant(windows: list[TimeWindow], now: datetime) -> int:
    if challenge_status(windows, now) is PhaseStatus.UPCOMING:
        coming = [
            n for n, window in enumerate(windows) if window.status(now) is PhaseStatus.UPCOMING
        ]
        return coming[0] if coming else 0
    return current(windows, now)


def _with_status(cards: Iterable[Card], status: PhaseStatus) -> tuple[Card, ...]:
    return tuple(card for card in cards if card.status is status)


def _task_facts(
    frame: Frame,
    challenge: Challenge,
    rows: Iterable[tuple[str, Task]],
    resources: Resources,
) -> tuple[TaskFacts, ...]:
    titles = {
        row.id: facts.title for row, facts in zip(challenge.phases, frame.phases, strict=True)
    }
    phases: dict[str, list[str]] = {}
    tasks: dict[str, Task] = {}
    for phase_id, task in rows:
        tasks[task.id] = task
        phases.setdefault(task.id, []).append(titles[phase_id])
    return tuple(
        TaskFacts(
            slug=task.slug,
            phases=tuple(phases[task.id]),
            argv=tuple(task.predict_argv),
            required_outputs=tuple(task.required_outputs),
            output_limit=task.output_limit,
            output_files=task.output_files,
            profile=resources.profiles.get(task.predict_profile),
        )
        for task in tasks.values()
    )
