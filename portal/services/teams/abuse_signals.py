"""What organisers are asked to look into: a way around the limits of a team, or nothing at all."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.queries.teams import abuse_signals as queries
from portal.db.queries.teams import team_lists
from portal.db.tables import Person, Team
from portal.domain.pagination import page_with


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a sentence; it may name a team."""

    text: str
    team_id: str | None = None
    """The team in the list of teams, if it stands for one."""
    page: int = 0
    """On which page of that list the team is, counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something that may be a way around the limits, or nothing at all."""

    what: str
    who: tuple[Part, ...]


def hints_of(session: Session, challenge_id: str) -> tuple[Hint, ...]:
    """Return what was seen in a challenge, in a fixed number of queries."""
    ids = queries.same_ids(session, challenge_id)
    uploads = queries.same_uploads(session, challenge_id)
    changes = queries.changed_teams(session, challenge_id)
    concerned = {
        *(team.id for row in ids for team in (row.one_in, row.other_in) if team),
        *(team.id for row in uploads for team in row.teams),
        *(team_id for row in changes for team_id in (row.left_is_now, row.now_in.id)),
    }
    names = _Names(session, challenge_id, concerned)
    return (
        *(_same_id(row, names) for row in ids),
        *(_same_upload(row, names) for row in uploads),
        *(_changed(row, names) for row in changes),
    )


class _Names:
    """Names of teams that lead to them in the list below the hints."""

    def __init__(self, session: Session, challenge_id: str, team_ids: Collection[str]) -> None:
        self._places = team_lists.places_of(session, challenge_id, team_ids)

    def team(self, team: Team, *, listed_as: str = "") -> Part:
        """Name a team; one that has merged is listed as the one that it became part of."""
        team_id = listed_as or team.id
        place = self._places.get(team_id)
        if place is None:  # It has merged between two of the queries.
            return Part(text=team.name)
        return Part(text=team.name, team_id=team_id, page=page_with(place))

    def person(self, person: Person, team: Team | None) -> Iterator[Part]:
        """Name a person, and the team that they are in."""
        yield Part(text=person.names.own)
        if team is not None:
            yield from (Part(text=" in "), self.team(team))


def _same_id(row: queries.SameId, names: _Names) -> Hint:
    return Hint(
        what="Two accounts have the same unique id, so they may be one person.",
        who=(
            *names.person(row.one, row.one_in),
            Part(text=" and "),
            *names.person(row.other, row.other_in),
        ),
    )


def _same_upload(row: queries.SameUpload, names: _Names) -> Hint:
    count = "Two" if row.number == 2 else f"{row.number:,}"  # noqa: PLR2004
    return Hint(
        what=f"{count} teams have submitted the same file. It may be one that you gave them.",
        who=(*_listed(row, names), Part(text=f", SHA-256 {row.sha256[:12]}…")),
    )


def _listed(row: queries.SameUpload, names: _Names) -> Iterator[Part]:
    """Name the teams as a sentence does: the last one after an *and*, or how many there are more."""
    more = row.number - len(row.teams)
    for place, team in enumerate(row.teams):
        is_last = place == len(row.teams) - 1 and not more
        if place:
            yield Part(text=" and " if is_last else ", ")
        yield names.team(team)
    if more:
        yield Part(text=f" and {more:,} more")


def _changed(row: queries.Changed, names: _Names) -> Hint:
    return Hint(
        what="Somebody has left a team that has submissions that count, for another team.",
        who=(
            Part(text=f"{row.person.names.own}, from "),
            names.team(row.left, listed_as=row.left_is_now),
            Part(text=f" ({row.counted}) to "),
            names.team(row.now_in),
        ),
    )
