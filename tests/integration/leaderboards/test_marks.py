"""Marks of organisers and teams: what stands follows at once, and is as before when they are taken off."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import Database
from portal.db.queries import leaderboards as queries
from portal.db.tables import (
    AuditEntry,
    Challenge,
    Evaluation,
    Person,
    Phase,
    Standing,
    Submission,
    SubmissionMark,
    Team,
)
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.leaderboards.marks import BY_ORGANISERS, MAX_REASON_CHARS, Mark
from portal.domain.leaderboards.ranking import ranks
from portal.domain.leaderboards.scores import Rule
from portal.domain.permissions import Role
from portal.services.leaderboards import standings
from portal.services.submissions import marks, quota
from tests.support import factories
from tests.support.factories import DAY, NOW, Digits
from tests.support.same_moment import one_while_the_other

WHY = "It used the test labels."


class Stage:
    """A challenge with a team that has submitted three times, and those who work for it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing() as session:
            self.digits: Digits = factories.add_challenge(session)
            self.people: dict[str, Person] = {
                name: factories.add_person(session, name)
                for name in ("Ada", "Eve", "Owner", "Oda", "Rev")
            }
            for name, role in (
                ("Owner", Role.OWNER),
                ("Oda", Role.ORGANISER),
                ("Rev", Role.REVIEWER),
            ):
                factories.add_organiser(session, self.digits, self.people[name], role)
            self.team = factories.add_team(session, self.digits, "Team Ada", self.people["Ada"])
            factories.add_team(session, self.digits, "Team Eve", self.people["Eve"])

    def submit(self, *accuracies: float, is_smoke: bool = False) -> list[str]:
        """Let Ada submit, a day after the other; results come at once."""
        made = []
        with self.database.writing() as session:
            for n, accuracy in enumerate(accuracies):
                row = factories.add_submission(
                    session, self.digits, self.team, self.people["Ada"],
                    accuracy=accuracy, at=NOW - 9 * DAY + n * DAY, is_smoke=is_smoke,
                )  # fmt: skip
                if not is_smoke:
                    standings.update(session, row)
                session.flush()
                made.append(row.id)
        return made

    def actor(self, name: str) -> Actor:
        return Actor(person_id=self.people[name].id)

    def mark(self, submission_id: str, mark: Mark, who: str = "Oda", reason: str = WHY) -> None:
        with self.database.writing() as session:
            marks.mark(
                session, actor=self.actor(who), submission_id=submission_id, mark=mark,
                reason=reason, now=NOW,
            )  # fmt: skip

    def unmark(self, submission_id: str, mark: Mark, who: str = "Oda", reason: str = WHY) -> None:
        with self.database.writing() as session:
            marks.unmark(
                session, actor=self.actor(who), submission_id=submission_id, mark=mark,
                reason=reason, now=NOW,
            )  # fmt: skip

    def withdraw(self, submission_id: str, who: str = "Ada", back: bool = False) -> None:
        act = marks.reinstate if back else marks.withdraw
        with self.database.writing() as session:
            act(session, actor=self.actor(who), submission_id=submission_id, now=NOW)

    def change(self, **values: Any) -> None:
        with self.database.writing() as session:
            challenge = session.get_one(Challenge, self.digits.challenge.id)
            for name, value in values.items():
                setattr(challenge, name, value)

    def everything(self) -> list[Any]:
        """Return all that pages are made of."""
        with self.database.reading() as session:
            shown = session.execute(select(Submission.id, Submission.shown).order_by(Submission.id))
            rows = session.scalars(select(Standing).order_by(Standing.board_id, Standing.team_id))
            return [
                [tuple(row) for row in shown],
                [
                    (row.team_id, row.submission_id, row.scores, row.rank_value, row.achieved_at,
                     row.is_unranked, row.is_verified)
                    for row in rows
                ],
            ]  # fmt: skip

    def stands(self) -> tuple[str, float, bool, bool] | None:
        with self.database.reading() as session:
            row = session.scalar(select(Standing).where(Standing.team_id == self.team.id))
            return row and (
                row.submission_id, row.scores["accuracy"], row.is_unranked, row.is_verified
            )  # fmt: skip

    def shown(self) -> list[float | None]:
        with self.database.reading() as session:
            rows = session.scalars(select(Submission.shown).order_by(Submission.id))
            return [row and row["accuracy"] for row in rows]

    def entries(self) -> list[tuple[str, str | None, dict[str, Any]]]:
        with self.database.reading() as session:
            rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
            return [(row.action, row.actor_id, row.detail) for row in rows]


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


@pytest.mark.parametrize("mark", [Mark.HIDDEN, Mark.DISQUALIFIED])
def test_the_next_best_stands_for_what_organisers_take_off(stage: Stage, mark: Mark) -> None:
    first, best, last = stage.submit(0.8, 0.95, 0.9)
    before = stage.everything()
    assert stage.stands() == (best, 0.95, False, False)

    stage.mark(best, mark)
    assert stage.stands() == (last, 0.9, False, False)
    stage.mark(last, mark)
    assert stage.stands() == (first, 0.8, False, False)
    stage.mark(first, mark)
    assert stage.stands() is None

    for one in (best, first, last):
        stage.unmark(one, mark)
    assert stage.everything() == before


def test_a_verified_one_says_so_and_an_unranked_one_stands_if_nothing_else_does(
    stage: Stage,
) -> None:
    first, best = stage.submit(0.8, 0.95)

    stage.mark(best, Mark.VERIFIED)
    assert stage.stands() == (best, 0.95, False, True)
    stage.mark(best, Mark.UNRANKED)
    assert stage.stands() == (first, 0.8, False, False)
    stage.mark(first, Mark.UNRANKED)
    assert stage.stands() == (best, 0.95, True, True)


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("eta", [None, 0.01])
def test_marking_and_unmarking_restores_the_board_exactly(
    stage: Stage, rule: Rule, eta: float | None
) -> None:
    stage.change(rule=Rule.BEST if eta else rule, ladder_eta=eta)
    made = stage.submit(0.8, 0.95, 0.9, 0.952, 0.97)
    before = stage.everything()
    chance = random.Random(7)  # noqa: S311 - an order, not a secret

    done = [(one, mark) for one in made for mark in (Mark.HIDDEN, Mark.UNRANKED, Mark.DISQUALIFIED)]
    for order in (done, chance.sample(done, len(done))):
        for submission, mark in order:
            stage.mark(submission, mark)
        for submission in made:
            stage.withdraw(submission)
        assert stage.stands() is None
        for submission in made:
            stage.withdraw(submission, back=True)
        for submission, mark in chance.sample(done, len(done)):
            stage.unmark(submission, mark)
        assert stage.everything() == before


def test_with_the_ladder_a_team_withdraws_without_seeing_more(stage: Stage) -> None:
    stage.change(ladder_eta=0.01)
    first, best, _ = stage.submit(0.8, 0.95, 0.9)
    assert stage.shown() == [0.8, 0.95, 0.95]

    stage.withdraw(best)

    assert stage.shown() == [0.8, 0.95, 0.95]
    assert stage.stands() == (first, 0.8, False, False)


def test_with_the_ladder_organisers_let_later_ones_show_what_they_would_have(
    stage: Stage,
) -> None:
    stage.change(ladder_eta=0.01)
    _, best, last = stage.submit(0.8, 0.95, 0.9)

    stage.mark(best, Mark.DISQUALIFIED)

    assert stage.shown() == [0.8, 0.95, 0.9]
    assert stage.stands() == (last, 0.9, False, False)


def test_a_new_result_counts_beside_marks_as_if_all_came_anew(stage: Stage) -> None:
    _, best = stage.submit(0.8, 0.95)
    stage.mark(best, Mark.DISQUALIFIED)

    with stage.database.writing() as session:
        row = factories.add_submission(
            session, stage.digits, stage.team, stage.people["Ada"], accuracy=0.85, at=NOW
        )
        standings.update(session, row)
    kept = stage.everything()
    with stage.database.writing() as session:
        standings.rebuild(session, stage.digits.challenge.id)

    assert stage.stands() == (row.id, 0.85, False, False)
    assert stage.everything() == kept


def test_what_is_withdrawn_before_it_is_scored_never_stands(stage: Stage) -> None:
    with stage.database.writing() as session:
        row = factories.add_submission(
            session, stage.digits, stage.team, stage.people["Ada"],
            state=factories.E.RUNNING, at=NOW,
        )  # fmt: skip
    stage.withdraw(row.id)

    with stage.database.writing() as session:
        evaluation = session.scalars(
            select(Evaluation).where(Evaluation.submission_id == row.id)
        ).one()
        factories.add_result(session, evaluation, 0.99, NOW)
        standings.update(session, session.get_one(Submission, row.id))

    assert stage.stands() is None


def test_what_is_withdrawn_still_counts_against_the_limits(stage: Stage) -> None:
    (only,) = stage.submit(0.9)

    stage.withdraw(only)

    with stage.database.reading() as session:
        phase = session.get_one(Phase, stage.digits.dev.id)
        assert quota.used(session, phase, stage.team.id, now=NOW).total == 1


def test_the_log_has_who_what_and_why_and_once_only(stage: Stage) -> None:
    (only,) = stage.submit(0.9)

    for _ in range(2):
        stage.mark(only, Mark.HIDDEN, reason="  Looked\n into ")
    stage.mark(only, Mark.HIDDEN, who="Owner", reason="Another reason")
    for _ in range(2):
        stage.unmark(only, Mark.HIDDEN, reason="All is well")
    for back in (False, False, True, True):
        stage.withdraw(only, back=back)

    oda, owner, ada = (stage.people[name].id for name in ("Oda", "Owner", "Ada"))
    assert stage.entries() == [
        (Action.SUBMISSION_MARKED, oda, {"mark": "hidden", "reason": "Looked into"}),
        (Action.SUBMISSION_MARKED, owner, {"mark": "hidden", "reason": "Another reason"}),
        (Action.SUBMISSION_UNMARKED, oda, {"mark": "hidden", "reason": "All is well"}),
        (Action.SUBMISSION_WITHDRAWN, ada, {}),
        (Action.SUBMISSION_REINSTATED, ada, {}),
    ]


@pytest.mark.parametrize("who", ["Ada", "Eve", "Rev"])
def test_only_organisers_mark(stage: Stage, who: str) -> None:
    (only,) = stage.submit(0.9)
    before = stage.everything()

    for act in (stage.mark, stage.unmark):
        for mark in Mark:
            with pytest.raises(NotFoundError):
                act(only, mark, who)

    assert (stage.everything(), stage.entries()) == (before, [])


@pytest.mark.parametrize("who", ["Owner", "Oda", "Rev", "Eve"])
def test_only_its_team_withdraws(stage: Stage, who: str) -> None:
    (only,) = stage.submit(0.9)

    for back in (False, True):
        with pytest.raises(NotFoundError):
            stage.withdraw(only, who, back=back)

    assert stage.stands() == (only, 0.9, False, False)


@pytest.mark.parametrize("act", [Stage.mark, Stage.unmark])
def test_nobody_else_withdraws_by_marking(stage: Stage, act: Any) -> None:
    (only,) = stage.submit(0.9)

    with pytest.raises(ParticipantError, match="Only its team"):
        act(stage, only, Mark.WITHDRAWN)


@pytest.mark.parametrize("reason", ["", " \n", "x" * (MAX_REASON_CHARS + 1)])
def test_a_mark_needs_a_reason_that_can_be_read(stage: Stage, reason: str) -> None:
    (only,) = stage.submit(0.9)

    for act in (stage.mark, stage.unmark):
        with pytest.raises(ParticipantError) as refused:
            act(only, Mark.HIDDEN, reason=reason)
        assert refused.value.reason == "reason"


@pytest.mark.parametrize("other", [Mark.HIDDEN, Mark.DISQUALIFIED])
def test_nothing_is_verified_and_off_the_board(stage: Stage, other: Mark) -> None:
    one, two = stage.submit(0.9, 0.8)
    stage.mark(one, Mark.VERIFIED)
    stage.mark(two, other)

    for submission, mark in ((one, other), (two, Mark.VERIFIED)):
        with pytest.raises(ParticipantError, match="Take that off first"):
            stage.mark(submission, mark)


def test_a_run_on_the_sample_has_nothing_to_mark(stage: Stage) -> None:
    (only,) = stage.submit(0.9, is_smoke=True)

    for mark in sorted(BY_ORGANISERS):
        with pytest.raises(ParticipantError, match="public sample"):
            stage.mark(only, mark)
    with pytest.raises(ParticipantError, match="public sample"):
        stage.withdraw(only)


@pytest.mark.parametrize("back", [False, True])
def test_after_the_phase_a_team_changes_nothing(stage: Stage, back: bool) -> None:
    (only,) = stage.submit(0.9)
    if back:
        stage.withdraw(only)
    before = stage.everything()
    with stage.database.writing() as session:
        session.get_one(Phase, stage.digits.dev.id).ends_at = NOW

    with pytest.raises(ParticipantError, match="phase is over"):
        stage.withdraw(only, back=back)

    assert stage.everything() == before


def test_a_result_that_comes_while_something_is_marked_is_not_lost(stage: Stage) -> None:
    (best,) = stage.submit(0.95)
    with stage.database.writing() as session:
        new = factories.add_submission(
            session,
            stage.digits,
            stage.team,
            stage.people["Ada"],
            state=factories.E.RUNNING,
            at=NOW,
        )
        evaluation = session.scalars(
            select(Evaluation.id).where(Evaluation.submission_id == new.id)
        ).one()

    def scored(session: Session) -> None:
        row = standings.lock(session, new.id)
        factories.add_result(session, session.get_one(Evaluation, evaluation), 0.9, NOW)
        standings.update(session, row)

    def marked(session: Session) -> None:
        marks.mark(
            session,
            actor=stage.actor("Oda"),
            submission_id=best,
            mark=Mark.HIDDEN,
            reason=WHY,
            now=NOW,
        )

    one_while_the_other(stage.database, scored, marked)

    assert stage.stands() == (new.id, 0.9, False, False)


@pytest.mark.parametrize("seed", range(4))
def test_the_database_ranks_as_the_rules_do(database: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a board, not a secret
    with database.writing() as session:
        digits = factories.add_challenge(session)
        for n in range(40):
            team = factories.add_ranked(
                session, digits, f"T{n}", chance.choice([0.7, 0.8, 0.9, 0.95]),
                NOW - n * timedelta(hours=1),
            )  # fmt: skip
            row = session.get_one(Standing, (digits.dev.id, team.id, 0))
            row.is_unranked = chance.random() < 0.4

    with database.reading() as session:
        teams = session.scalars(select(Team.id)).all()
        board = session.scalars(
            select(Standing).order_by(
                Standing.rank_value.desc(), Standing.achieved_at, Standing.team_id
            )
        ).all()
        expected = _expected(board)
        for size, first in ((50, 1), (7, 1), (7, 8), (7, 15), (3, 38)):
            found = queries.page_of(
                session, board_id=digits.dev.id, first=first, size=size, team_id=None
            )
            assert [(row.position, row.team_id, row.rank) for row in found] == (
                expected[first - 1 : first - 1 + size]
            )
        for team_id in chance.sample(teams, 10):
            found = queries.page_of(
                session, board_id=digits.dev.id, first=1, size=5, team_id=team_id
            )
            own = next(row for row in found if row.team_id == team_id)
            assert (own.position, own.team_id, own.rank) in expected


def _expected(board: Sequence[Standing]) -> list[tuple[int, str, int | None]]:
    found = ranks([(row.rank_value, not row.is_unranked) for row in board])
    return [
        (position, row.team_id, rank)
        for position, (row, rank) in enumerate(zip(board, found, strict=True), 1)
    ]


def test_a_mark_says_by_whom_it_was_made_until_it_is_taken_off(stage: Stage) -> None:
    (only,) = stage.submit(0.9)
    stage.mark(only, Mark.DISQUALIFIED)

    with stage.database.reading() as session:
        page = marks.marks_page(session, actor=stage.actor("Owner"), submission_id=only)
        [row] = session.scalars(select(SubmissionMark)).all()

    assert [(one.mark, one.reason, one.by) for one in page.marks] == [
        (Mark.DISQUALIFIED, WHY, "Oda")
    ]
    assert page.missing == (Mark.HIDDEN, Mark.UNRANKED, Mark.VERIFIED)
    assert (row.made_by, row.made_at) == (stage.people["Oda"].id, NOW)
