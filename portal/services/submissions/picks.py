"""Choosing which submissions count on a board; what stands follows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Board, Challenge, Phase, Pick, Submission
from portal.domain import permissions
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.errors import NotFoundError
from portal.domain.leaderboards import scores
from portal.domain.leaderboards.picks import check_pick, check_room
from portal.domain.leaderboards.ranking import ranking_from
from portal.domain.leaderboards.scores import Rule
from portal.services.audit import log as audit_log
from portal.services.challenges import access as challenge_access
from portal.services.leaderboards import standings
from portal.services.leaderboards.boards import as_columns, columns_of
from portal.services.submissions import access
from portal.services.submissions.access import VisibleSubmission


@dataclass(frozen=True, slots=True, kw_only=True)
class PickBoard:
    """A board for which a team chooses, as the team sees it."""

    slug: str
    title: str
    phases: frozenset[str]
    """Slugs."""
    number: int
    """How many it can choose."""
    ends_at: datetime
    is_open: bool
    """Whether it can still choose."""
    picked: frozenset[str]
    """Ids of what it has chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What a team has chosen for a board."""

    challenge: str
    """Slug."""
    submissions: tuple[str, ...]
    """Ids."""


def pick_boards(
    session: Session,
    challenge: Challenge,
    team_id: str | None,
    *,
    may_choose: bool,
    now: datetime,
) -> tuple[PickBoard, ...]:
    """Return the boards for which a team chooses; the challenge has to be loaded with boards and phases.

    Also those that others do not see before their reveal: a team chooses before that. One query where there are any.
    """
    rows = [
        row
        for row in challenge.boards
        if (row.rule or challenge.rule) is Rule.CHOSEN and row.frozen_of is None
    ]
    if not rows or team_id is None:
        return ()
    found: dict[str, set[str]] = {row.id: set() for row in rows}
    picks = select(Pick.board_id, Pick.submission_id).join(
        Submission, Submission.id == Pick.submission_id
    )
    wanted = picks.where(Submission.team_id == team_id, Pick.board_id.in_(found))
    for board_id, submission_id in session.execute(wanted):
        found[board_id].add(submission_id)
    columns = as_columns(challenge, rows[0].columns)
    ends = {row.id: _ends_at(row, challenge.phases, columns) for row in rows}
    return tuple(
        PickBoard(
            slug=row.slug,
            title=row.title,
            phases=frozenset(row.phases),
            number=row.number,
            ends_at=ends[row.id],
            is_open=may_choose and now < ends[row.id],
            picked=frozenset(found[row.id]),
        )
        for row in rows
    )


def pick(
    session: Session, *, actor: Actor, submission_id: str, board: str, now: datetime
) -> Picked:
    """Choose the own team's submission for a board. Idempotent; return all that the team has chosen.

    Raises ``NotFoundError``, and ``ParticipantError`` where there is no room, nothing to choose or no time left.
    """
    row, place, slug = _locked(session, actor, submission_id, board, now)
    chosen = _chosen(session, place, row)
    if row.id not in chosen:
        check_room(len(chosen), place.number)
        session.add(
            Pick(
                board_id=place.id,
                submission_id=row.id,
                picked_by=str(actor.person_id),
                picked_at=now,
            )
        )
        standings.settle_again(session, row)
        _note(session, actor, Action.SUBMISSION_PICKED, row, place, now)
    return Picked(challenge=slug, submissions=_chosen(session, place, row))


def unpick(
    session: Session, *, actor: Actor, submission_id: str, board: str, now: datetime
) -> Picked:
    """Take back that the own team's submission was chosen. Idempotent; return what is still chosen.

    Raises ``NotFoundError``, and ``ParticipantError`` where there is nothing to choose or no time left.
    """
    row, place, slug = _locked(session, actor, submission_id, board, now)
    made = session.get(Pick, (place.id, row.id), populate_existing=True)
    if made is not None:
        session.delete(made)
        standings.settle_again(session, row)
        _note(session, actor, Action.SUBMISSION_UNPICKED, row, place, now)
    return Picked(challenge=slug, submissions=_chosen(session, place, row))


def _locked(
    session: Session, actor: Actor, submission_id: str, board: str, now: datetime
) -> tuple[Submission, Board, str]:
    """Lock what stands for the team; return the submission, the board if it may be chosen for it now, the challenge."""
    found = access.find(
        session,
        actor,
        submission_id,
        lambda one, _relation, team: permissions.may_change_team(one, team),
    )
    challenge_access.check_may_change(found.relation)
    place = _board(session, found, board)
    challenge = found.submission.challenge
    row = standings.lock(session, submission_id)
    phases = session.scalars(select(Phase).where(Phase.challenge_id == row.challenge_id)).all()
    slugs = {phase.id: phase.slug for phase in phases}
    check_pick(
        can_choose=(place.rule or challenge.rule) is Rule.CHOSEN,
        is_on_board=slugs[row.phase_id] in place.phases,
        is_smoke=row.is_smoke,
        ends_at=_ends_at(place, phases, columns_of(session, challenge)),
        is_open=found.relation.is_open,
        now=now,
    )
    return row, place, challenge.slug


def _board(session: Session, found: VisibleSubmission, slug: str) -> Board:
    """Find a board of the submission's challenge; a team chooses also for one that it does not see yet."""
    row = session.scalar(
        select(Board).where(
            Board.challenge_id == found.submission.challenge_id,
            Board.slug == slug,
            Board.frozen_of.is_(None),
        )
    )
    if row is None:
        raise NotFoundError
    return row


def _ends_at(board: Board, phases: Sequence[Phase], columns: Sequence[scores.Column]) -> datetime:
    """Return until when a team chooses: once what ranks is revealed it would choose among known scores."""
    end = max(phase.ends_at for phase in phases if phase.slug in board.phases)
    keys = ranking_from(board.ranking, columns).keys
    reveals = [one.reveal_at for one in columns if one.private and one.key in keys]
    return min([end, *filter(None, [board.reveal_at, *reveals])])


def _chosen(session: Session, board: Board, row: Submission) -> tuple[str, ...]:
    session.flush()
    return tuple(
        session.scalars(
            select(Pick.submission_id)
            .join(Submission, Submission.id == Pick.submission_id)
            .where(Pick.board_id == board.id, Submission.team_id == row.team_id)
            .order_by(Pick.submission_id)
        )
    )


def _note(
    session: Session, actor: Actor, action: Action, row: Submission, board: Board, now: datetime
) -> None:
    audit_log.note(
        session,
        actor=actor,
        action=action,
        subject=Subject(kind="submission", id=row.id),
        challenge_id=row.challenge_id,
        now=now,
        board=board.slug,
    )
