"""Challenges and their leaderboards, for programs."""

import math
from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from portal.domain.leaderboards import scores
from portal.services.challenges import details as challenge_details
from portal.services.challenges import life
from portal.services.challenges import views as challenge_views
from portal.services.challenges.details import ChallengeDetails, PhaseDetails
from portal.services.challenges.views import Card
from portal.services.leaderboards import views as leaderboard_views
from portal.services.leaderboards.open_boards import BoardFacts
from portal.services.leaderboards.views import Row
from portal.services.submissions.form import PhaseChoice
from portal.web.api import models
from portal.web.api.calls import AnyToken, Organising, PageNumber, Reading, Slug


def me(call: AnyToken) -> models.Me:
    """Say whose token it is and what it may be used for."""
    actor = call.actor
    return models.Me(id=str(actor.person_id), name=actor.name, scopes=sorted(actor.scopes))


def challenges(call: Reading) -> models.Challenges:
    """List the challenges."""
    home = call.read(challenge_views.home, actor=call.actor, now=call.now)
    return models.Challenges(items=[_item(card) for card in (*home.open, *home.coming, *home.past)])


def challenge(call: Reading, slug: Slug) -> models.Challenge:
    """Show a challenge: its phases, what is left of their limits, how you take part."""
    details = call.read(
        challenge_details.challenge_details,
        actor=call.actor,
        slug=slug,
        now=call.now,
    )
    return models.Challenge(
        slug=details.frame.slug,
        title=details.frame.title,
        status=details.frame.status,
        state=details.frame.state,
        timezone=details.frame.timezone,
        join=_join(details),
        questions=[
            models.Question(
                key=one.key,
                title=one.title,
                help=one.help,
                type=one.type,
                choices=list(one.choices),
                required=one.is_required,
                board=one.on_board,
                until=one.until,
            )
            for one in details.questions
        ],
        phases=[_phase(phase) for phase in details.phases],
        rule=details.rule,
        columns=columns(details.columns),
        boards=[_board(board) for board in details.boards],
    )


def leaderboard(
    call: Reading,
    slug: Slug,
    phase: Annotated[
        str | None,
        Query(description="Slug of the phase, for its first board; the current one without."),
    ] = None,
    board: Annotated[str | None, Query(description="Id of the board, instead of a phase.")] = None,
    sort: Annotated[
        str,
        Query(
            description="Key of a column, the good end first, or `@team` or `@submitted`; with `-` before it the other end first. By rank without."
        ),
    ] = "",
    page: PageNumber = 1,
) -> models.Leaderboard:
    """Show a leaderboard."""
    found = call.read(
        leaderboard_views.leaderboard,
        actor=call.actor,
        slug=slug,
        board_slug=board,
        phase_slug=phase,
        page=page,
        sort=sort,
        now=call.now,
    )
    phases = [phase for one in found.boards for phase in one.phases]
    return models.Leaderboard(
        board=found.board.slug if found.board else None,
        boards=[_board(one) for one in found.boards],
        phase=found.board.phases[0].slug if found.board else None,
        phases=list(dict.fromkeys(phase.slug for phase in phases)),
        rule=found.board.rule if found.board else None,
        columns=columns(found.columns),
        compare=found.compared.slug if found.compared else None,
        is_frozen=found.is_frozen,
        is_anonymous=found.is_anonymous,
        items=[_place(row) for row in found.rows],
        own=_place(found.own) if found.own else None,
        **call.place(found.pages),
    )


def _board(facts: BoardFacts) -> models.Board:
    return models.Board(
        id=facts.slug,
        title=facts.title,
        phases=[phase.slug for phase in facts.phases],
        rule=facts.rule,
        reveal=facts.reveal_at,
        freeze=facts.freeze_at,
        anonymous_until=facts.anonymous_until,
    )


def step(call: Organising, slug: Slug, wanted: models.StateWanted) -> models.StateChange:
    """Bring a challenge that you work for into another state of its life.

    Owners do, and between draft and review co-organisers as well. Doing it again changes nothing.
    """
    before = call.write(
        life.step,
        actor=call.actor,
        slug=slug,
        to=wanted.to,
        reason=wanted.reason.strip(),
        now=call.now,
    )
    return models.StateChange(before=before, state=wanted.to)


def columns(found: Iterable[scores.Column]) -> list[models.Column]:
    """Return columns as the API shows them."""
    return [
        models.Column(
            key=column.key,
            title=column.title,
            sort=column.sort,
            precision=column.precision,
            primary=column.primary,
            private=column.private,
            unit=column.unit or None,
        )
        for column in found
    ]


def _item(card: Card) -> models.ChallengeItem:
    return models.ChallengeItem(
        slug=card.slug,
        title=card.title,
        status=card.status,
        state=card.state,
        phase=card.phase,
        starts_at=card.window.starts_at if card.window else None,
        ends_at=card.window.ends_at if card.window else None,
        teams=card.teams,
    )


def _join(details: ChallengeDetails) -> models.Join:
    return models.Join(
        policy=details.join_policy,
        state=details.participation or "none",
        team=details.team,
        team_size=details.frame.team_size,
    )


def _phase(details: PhaseDetails) -> models.Phase:
    facts, left = details.facts, details.left
    return models.Phase(
        slug=facts.slug,
        title=facts.title,
        status=facts.status,
        starts_at=facts.window.starts_at,
        ends_at=facts.window.ends_at,
        kinds=list(facts.kinds),
        per_day=facts.per_day,
        per_week=facts.per_week,
        total=facts.total,
        running=facts.running,
        failed_per_day=facts.failed_per_day,
        after=models.After(needs=asked.needs, rank=asked.rank, phase=asked.phase)
        if (asked := facts.prerequisite)
        else None,
        late=facts.takes_late,
        late_until=facts.late_until,
        left=_left(left) if left else None,
        has_leaderboard=details.has_leaderboard,
    )


def _left(choice: PhaseChoice) -> models.Left:
    left = choice.room
    return models.Left(
        today=left.today,
        week=left.week,
        total=left.total,
        failed_today=left.failed_today,
        lacks=choice.lacks,
        extra=left.extra,
        next_at=left.next_at,
        next_in=math.ceil(choice.wait.total_seconds()) if choice.wait else None,
    )


def _place(row: Row) -> models.Place:
    return models.Place(
        rank=row.rank,
        team=row.team,
        scores=row.scores,
        achieved_at=row.achieved_at,
        is_own=row.is_own,
        is_verified=row.is_verified,
        submission=row.submission_id,
        mean_rank=row.mean_rank,
        rank_before=row.rank_before,
    )
