"""GPU-hours: what a challenge and each of its teams has used, has reserved, and has left."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.queries.evaluations import shares as queries
from portal.db.tables import Challenge, Team
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.challenges.profiles import Resources
from portal.domain.errors import NotFoundError
from portal.domain.evaluations.shares import Share, Spent
from portal.domain.pagination import PAGE_SIZE, Slice
from portal.services.challenges.context import Frame, look_up
from portal.services.evaluations.capacity import spent, spent_by_team, spent_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """GPU-hours of somebody, against what they may use."""

    title: str
    """Whose they are."""
    spent: Spent
    limit: float | None
    """None: the site sets none."""

    @property
    def left(self) -> float | None:
        """Return what is neither used nor reserved, at least 0; None without a limit."""
        return self.spent.left(self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPage:
    """The GPU-hours of a challenge and of its teams, those who used most first."""

    frame: Frame
    share: Share
    challenge: Budget
    teams: tuple[Budget, ...]
    pages: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeBudget:
    """A challenge in the list of all."""

    slug: str
    budget: Budget


def own_budgets(
    session: Session, *, challenge: Challenge, team_id: str | None, resources: Resources
) -> tuple[Budget, ...]:
    """Return the budgets that what a team submits next counts against; none where there are none."""
    share = resources.share_of(challenge.slug)
    found = []
    if share.team_gpu_hours is not None:
        own = Spent()
        if team_id is not None:
            own = spent(session, resources, challenge_id=challenge.id, team_id=team_id)
        found.append(Budget(title="Your team", spent=own, limit=share.team_gpu_hours))
    if share.gpu_hours is not None:
        every = spent(session, resources, challenge_id=challenge.id)
        found.append(Budget(title="All teams together", spent=every, limit=share.gpu_hours))
    return tuple(found)


def budget_page(
    session: Session, *, actor: Actor, slug: str, resources: Resources, page: int, now: datetime
) -> BudgetPage:
    """Return them to whoever works for the challenge; raise ``NotFoundError`` for everybody else."""
    visible = look_up(session, actor=actor, slug=slug, now=now)
    if not visible.frame.may_review:
        raise NotFoundError
    challenge, share = visible.challenge, resources.share_of(slug)
    by_team = spent_by_team(session, resources, challenge.id)
    names = _names(session, by_team)
    rows = sorted(by_team.items(), key=lambda row: (-row[1].total, names[row[0]].casefold()))
    begin = (page - 1) * PAGE_SIZE
    if page > 1 and begin >= len(rows):
        raise NotFoundError
    return BudgetPage(
        frame=visible.frame,
        share=share,
        challenge=Budget(
            title=challenge.title, spent=_sum(by_team.values()), limit=share.gpu_hours
        ),
        teams=tuple(
            Budget(title=names[team_id], spent=one, limit=share.team_gpu_hours)
            for team_id, one in rows[begin : begin + PAGE_SIZE]
        ),
        pages=Slice(number=page, total=len(rows)),
    )


def all_budgets(
    session: Session, *, actor: Actor, resources: Resources
) -> tuple[ChallengeBudget, ...]:
    """Return those of every challenge to staff; raise ``NotFoundError`` for everybody else."""
    if not permissions.may_see_staff_pages(actor):
        raise NotFoundError
    challenges = session.scalars(select(Challenge).order_by(Challenge.title, Challenge.id)).all()
    rows: dict[str, list[queries.Time]] = {}
    for time in queries.all_times(session):
        rows.setdefault(time.whose, []).append(time.time)
    return tuple(
        ChallengeBudget(
            slug=challenge.slug,
            budget=Budget(
                title=challenge.title,
                spent=spent_of(rows.get(challenge.id, ()), resources),
                limit=resources.share_of(challenge.slug).gpu_hours,
            ),
        )
        for challenge in challenges
    )


def _sum(parts: Iterable[Spent]) -> Spent:
    found = list(parts)
    return Spent(used=sum(one.used for one in found), reserved=sum(one.reserved for one in found))


def _names(session: Session, by_team: Mapping[str, Spent]) -> dict[str, str]:
    rows = session.execute(select(Team.id, Team.name).where(Team.id.in_(by_team)))
    return {team_id: name for team_id, name in rows}  # noqa: C416 - rows are no pairs to mypy
