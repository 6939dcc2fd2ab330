"""What stands on boards: over several phases and tasks, of what a team has chosen, and as of a freeze."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import (
    AuditEntry,
    Board,
    Challenge,
    Column,
    Evaluation,
    Person,
    PhaseTask,
    Result,
    Standing,
    Submission,
    Task,
    Team,
)
from portal.domain.accounts.people import Actor
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.ids import new_id
from portal.domain.leaderboards.marks import Mark
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.permissions import Audience, Role
from portal.services.challenges import roles
from portal.services.leaderboards import standings, views
from portal.services.leaderboards.views import Leaderboard
from portal.services.submissions import marks, picks
from tests.support import factories
from tests.support.factories import DAY, NOW, Digits
from tests.support.statements import counted


class Boards:
    """A challenge with an open and a past phase, and teams whose results come at once."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        self.tasks = ["digits"]
        with database.writing() as session:
            self.digits: Digits = factories.add_challenge(session)
            for name in ("Ada", "Bob", "Cyd"):
                self.people[name] = factories.add_person(session, name)
                self.teams[name] = factories.add_team(
                    session, self.digits, f"Team {name}", self.people[name]
                )
            self.people["Oda"] = factories.add_person(session, "Oda")
            factories.add_organiser(session, self.digits, self.people["Oda"], Role.OWNER)

    def board(self, slug: str, phases: list[str], **values: Any) -> str:
        with self.database.writing() as session:
            return factories.add_board(
                session, self.digits.challenge, slug, slug.title(), phases, **values
            ).id

    def freeze(self, slug: str, phases: list[str], at: datetime) -> None:
        kept = self.board(slug, phases, freeze_at=at)
        self.board(f"{slug}@frozen", phases, freeze_at=at, frozen_of=kept)

    def column(self, key: str, **values: Any) -> None:
        usual = {
            "title": key.upper(), "sort": Sort.DESCENDING, "precision": 3, "is_primary": False,
            "private": False, "minimum": None, "maximum": None,
        }  # fmt: skip
        with self.database.writing() as session:
            session.add(
                Column(
                    id=new_id(NOW), challenge_id=self.digits.challenge.id, position=9, key=key,
                    **(usual | values),
                )
            )  # fmt: skip

    def second_task(self) -> str:
        """Add a task to both phases; submissions have scores of it from then on."""
        with self.database.writing() as session:
            first = session.get_one(Task, self.digits.task.id)
            values = {
                one.key: getattr(first, one.key)
                for one in Task.__mapper__.column_attrs
                if one.key not in {"id", "slug", "position"}
            }
            task = Task(id=new_id(NOW), slug="letters", position=1, **values)
            session.add(task)
            session.flush()
            for phase in ("warm-up", "dev"):
                session.add(PhaseTask(phase_id=self.digits.phases[phase].id, task_id=task.id))
            return task.id

    def submit(
        self, name: str, accuracy: float, days: int = 0, *, phase: str = "dev", **scores: float
    ) -> str:
        """Let somebody submit some days after the tenth before today; the result is there at once."""
        with self.database.writing() as session:
            row = factories.add_submission(
                session, self.digits, self.teams[name], self.people[name],
                accuracy=accuracy, at=NOW - 10 * DAY + days * DAY, phase=phase,
            )  # fmt: skip
            result = session.scalars(
                select(Result).join(Evaluation).where(Evaluation.submission_id == row.id)
            ).one()
            result.scores = {**result.scores, **scores}
            standings.update(session, row)
            return row.id

    def also(self, submission_id: str, task_id: str, **scores: float) -> None:
        """Let a result of another task come for a submission."""
        with self.database.writing() as session:
            row = session.get_one(Submission, submission_id)
            evaluation = Evaluation(
                id=new_id(row.created_at), submission_id=row.id, task_id=task_id,
                state=factories.E.SCORED, created_at=row.created_at, updated_at=row.created_at,
            )  # fmt: skip
            session.add(evaluation)
            session.flush()
            factories.add_result(session, evaluation, 0.0, row.created_at)
            session.get_one(Result, evaluation.id).scores = scores
            session.flush()
            standings.update(session, row)

    def show(self, board: str, who: str | None = None, **values: Any) -> Leaderboard:
        with self.database.reading() as session:
            actor = Actor() if who is None else Actor(person_id=self.people[who].id)
            return views.leaderboard(
                session, actor=actor, slug="digits", board_slug=board, page=1,
                **({"now": NOW} | values),
            )  # fmt: skip

    def ranking(self, board: str, who: str | None = None, **values: Any) -> list[Any]:
        return [
            (row.rank, row.team, row.scores.get("accuracy"))
            for row in self.show(board, who, **values).rows
        ]

    def pick(self, who: str, submission_id: str, board: str = "test", **values: Any) -> None:
        with self.database.writing() as session:
            picks.pick(
                session, actor=Actor(person_id=self.people[who].id), submission_id=submission_id,
                board=board, **({"now": NOW} | values),
            )  # fmt: skip

    def unpick(self, who: str, submission_id: str, board: str = "test") -> None:
        with self.database.writing() as session:
            picks.unpick(
                session, actor=Actor(person_id=self.people[who].id), submission_id=submission_id,
                board=board, now=NOW,
            )  # fmt: skip

    def rebuilt(self) -> list[Any]:
        """Return what stands after all of it was worked out anew."""
        with self.database.writing() as session:
            standings.rebuild(session, self.digits.challenge.id)
        return self.standings()

    def standings(self) -> list[Any]:
        with self.database.reading() as session:
            return sorted(
                (row.board_id, row.team_id, row.place, row.submission_id, row.rank_value,
                 row.is_unranked, row.is_picked)
                for row in session.scalars(select(Standing))
            )  # fmt: skip


@pytest.fixture
def boards(database: Database) -> Boards:
    return Boards(database)


def test_a_board_spans_phases_and_one_submission_of_all_counts(boards: Boards) -> None:
    boards.board("total", ["warm-up", "dev"])
    boards.submit("Ada", 0.9, phase="warm-up")
    boards.submit("Ada", 0.7, 1)
    boards.submit("Bob", 0.8, 2)

    assert boards.ranking("total") == [(1, "Team Ada", 0.9), (2, "Team Bob", 0.8)]
    assert boards.ranking("dev") == [(1, "Team Bob", 0.8), (2, "Team Ada", 0.7)]
    assert boards.ranking("warm-up") == [(1, "Team Ada", 0.9)]
    assert boards.standings() == boards.rebuilt()


def test_two_tasks_give_the_same_key_and_a_column_is_worked_out_from_both(boards: Boards) -> None:
    letters = boards.second_task()
    boards.column("read", task_id=boards.digits.task.id, source="accuracy")
    boards.column("write", task_id=letters, source="accuracy")
    boards.column("mean", formula={"operation": "mean", "weights": {"read": 1, "write": 1}})
    boards.board("both", ["dev"], ranking={"by": "mean"})
    first = boards.submit("Ada", 0.9)
    assert boards.ranking("both") == []

    boards.also(first, letters, accuracy=0.5)
    second = boards.submit("Bob", 0.8, 1)
    boards.also(second, letters, accuracy=0.7)

    rows = boards.show("both").rows
    assert [(row.team, row.scores["mean"]) for row in rows] == [
        ("Team Bob", 0.75),
        ("Team Ada", 0.7),
    ]
    assert [row.scores["write"] for row in rows] == [0.7, 0.5]
    assert boards.standings() == boards.rebuilt()


def test_the_mean_of_ranks_ranks_and_other_columns_decide_between_equals(boards: Boards) -> None:
    boards.board("mean", ["dev"], ranking={"mean_rank": ["accuracy", "brier"]})
    boards.board("ties", ["dev"], ranking={"by": "accuracy", "ties": ["brier"]})
    boards.submit("Ada", 0.9, brier=0.3)
    boards.submit("Bob", 0.9, 1, brier=0.2)
    boards.submit("Cyd", 0.8, 2, brier=0.1)

    found = [(row.rank, row.team, row.mean_rank) for row in boards.show("mean").rows]
    assert found == [(1, "Team Bob", 1.5), (2, "Team Ada", 2.0), (2, "Team Cyd", 2.0)]
    assert [row[:2] for row in boards.ranking("ties")] == [
        (1, "Team Bob"),
        (2, "Team Ada"),
        (3, "Team Cyd"),
    ]


def test_the_best_of_the_last_and_every_submission_can_count(boards: Boards) -> None:
    boards.board("recent", ["dev"], rule=Rule.BEST_OF_LAST, number=2)
    boards.board("all", ["dev"], rule=Rule.ALL)
    for days, accuracy in enumerate((0.9, 0.7, 0.8)):
        boards.submit("Ada", accuracy, days)
    boards.submit("Bob", 0.75, 5)

    assert boards.ranking("recent") == [(1, "Team Ada", 0.8), (2, "Team Bob", 0.75)]
    assert boards.ranking("all") == [
        (1, "Team Ada", 0.9),
        (2, "Team Ada", 0.8),
        (3, "Team Bob", 0.75),
        (4, "Team Ada", 0.7),
    ]
    assert boards.show("all", "Bob").own.rank == 3
    assert boards.standings() == boards.rebuilt()


@pytest.fixture
def chosen(boards: Boards) -> Boards:
    """Return boards of which one ranks what teams have chosen by a private column, from tomorrow on."""
    with boards.database.writing() as session:
        for column in session.scalars(select(Column).where(Column.key == "holdout")):
            column.reveal_at = NOW + DAY
    boards.board(
        "test", ["dev"], rule=Rule.CHOSEN, number=2, ranking={"by": "holdout"}, compare="dev",
        reveal_at=NOW + DAY,
    )  # fmt: skip
    return boards


def test_a_team_chooses_what_counts_and_without_a_choice_its_public_best_does(
    chosen: Boards,
) -> None:
    best = chosen.submit("Ada", 0.9, holdout=0.5)
    other = chosen.submit("Ada", 0.8, 1, holdout=0.6)
    third = chosen.submit("Ada", 0.7, 2, holdout=0.7)
    chosen.submit("Bob", 0.85, 3, holdout=0.65)

    def stands() -> dict[str, float]:
        shown = chosen.show("test", "Oda")
        return {row.team: row.scores["holdout"] for row in shown.rows}

    assert stands() == {"Team Ada": 0.5, "Team Bob": 0.65}
    chosen.pick("Ada", other)
    assert stands()["Team Ada"] == 0.6
    chosen.pick("Ada", third)
    chosen.pick("Ada", third)
    assert stands()["Team Ada"] == 0.7
    with pytest.raises(ParticipantError, match="has chosen 2 submissions already"):
        chosen.pick("Ada", best)
    chosen.unpick("Ada", third)
    chosen.unpick("Ada", third)
    assert stands()["Team Ada"] == 0.6
    assert chosen.standings() == chosen.rebuilt()
    with chosen.database.reading() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.like("submission.%picked"))
        ).all()
    assert sorted(actions) == ["submission.picked"] * 2 + ["submission.unpicked"]


def test_others_choose_nothing_for_a_team_and_nobody_once_the_phase_is_over(
    chosen: Boards,
) -> None:
    mine = chosen.submit("Ada", 0.9)
    past = chosen.submit("Ada", 0.9, phase="warm-up")

    for who in ("Bob", "Oda"):
        with pytest.raises(NotFoundError):
            chosen.pick(who, mine)
    for board, submission, now, why in (
        ("nothing", mine, NOW, None),
        ("test@frozen", mine, NOW, None),
        ("dev", mine, NOW, "There is nothing to choose"),
        ("test", past, NOW, "not on this board"),
        ("test", mine, chosen.digits.dev.ends_at, "time for choosing is over"),
        ("test", mine, NOW + DAY, "time for choosing is over"),
    ):
        with pytest.raises(ParticipantError if why else NotFoundError, match=why):
            chosen.pick("Ada", submission, board, now=now)
    with chosen.database.writing() as session:
        session.get_one(
            Challenge, chosen.digits.challenge.id
        ).state = factories.ChallengeState.ARCHIVED
    with pytest.raises((NotAllowedError, NotFoundError)):
        chosen.pick("Ada", mine)
    assert not any(row[-1] for row in chosen.standings())


def test_before_the_reveal_a_board_is_for_organisers_and_after_it_shows_the_shake_up(
    chosen: Boards,
) -> None:
    chosen.submit("Ada", 0.9, holdout=0.5)
    chosen.submit("Bob", 0.8, 1, holdout=0.6)

    for who in (None, "Ada"):
        with pytest.raises(NotFoundError):
            chosen.show("test", who)
        assert "test" not in {one.slug for one in chosen.show("dev", who).boards}
        for row in chosen.show("dev", who).rows:
            assert "holdout" not in row.scores
    before = chosen.show("dev", None).changes_at
    after = chosen.show("test", None, now=NOW + DAY)

    assert before == NOW + DAY
    assert [(row.team, row.rank, row.rank_before) for row in after.rows] == [
        ("Team Bob", 1, 2),
        ("Team Ada", 2, 1),
    ]


def test_after_a_freeze_others_see_the_board_as_it_was(boards: Boards) -> None:
    boards.freeze("frozen", ["dev"], NOW - 5 * DAY)
    boards.submit("Ada", 0.8)
    late = boards.submit("Ada", 0.95, 7)
    boards.submit("Bob", 0.85, 8)

    assert boards.ranking("frozen", "Ada") == [(1, "Team Ada", 0.8)]
    assert boards.ranking("frozen") == [(1, "Team Ada", 0.8)]
    assert boards.show("frozen").is_frozen
    assert boards.ranking("frozen", "Oda") == [(1, "Team Ada", 0.95), (2, "Team Bob", 0.85)]
    assert not boards.show("frozen", "Oda").is_frozen
    assert boards.standings() == boards.rebuilt()
    with boards.database.writing() as session:
        marks.mark(
            session, actor=Actor(person_id=boards.people["Oda"].id), submission_id=late,
            mark=Mark.DISQUALIFIED, reason="Why.", now=NOW,
        )  # fmt: skip
    assert boards.ranking("frozen", "Oda")[0] == (1, "Team Bob", 0.85)
    assert boards.ranking("frozen") == [(1, "Team Ada", 0.8)]


def test_on_an_anonymous_board_other_teams_have_no_names_until_its_time(boards: Boards) -> None:
    boards.board("quiet", ["dev"], anonymous_until=NOW + DAY)
    boards.submit("Ada", 0.8)
    boards.submit("Bob", 0.9, 1)

    assert [row.team for row in boards.show("quiet", "Ada").rows] == ["Anonymous", "Team Ada"]
    assert [row.team for row in boards.show("quiet").rows] == ["Anonymous"] * 2
    assert [row.team for row in boards.show("quiet", "Oda").rows] == ["Team Bob", "Team Ada"]
    with pytest.raises(NotFoundError):
        boards.show("quiet", sort="@team")
    assert boards.show("quiet", now=NOW + DAY).rows[0].team == "Team Bob"


def test_where_each_sees_the_own_there_is_nothing_of_others(boards: Boards) -> None:
    boards.board("own", ["dev"], audience=Audience.OWN)
    boards.submit("Ada", 0.8)
    boards.submit("Bob", 0.9, 1)

    found = boards.show("own", "Ada")
    assert [(row.team, row.rank, row.position) for row in found.rows] == [("Team Ada", None, 1)]
    assert found.pages.total == 1
    assert boards.show("own", "Cyd").rows == ()
    with pytest.raises(NotFoundError):
        boards.show("own")
    assert len(boards.show("own", "Oda").rows) == 2


def test_teams_of_organisers_are_shown_without_a_rank_where_the_board_says_so(
    boards: Boards,
) -> None:
    boards.board("fair", ["dev"], ranks_organisers=False)
    boards.submit("Ada", 0.9)
    boards.submit("Bob", 0.8, 1)
    assert [row[0] for row in boards.ranking("fair")] == [1, 2]
    oda = Actor(person_id=boards.people["Oda"].id)
    ada = str(boards.people["Ada"].id)

    with boards.database.writing() as session:
        roles.give(session, actor=oda, slug="digits", person_id=ada, role=Role.REVIEWER, now=NOW)
    assert [row[:2] for row in boards.ranking("fair")] == [(None, "Team Ada"), (1, "Team Bob")]
    assert [row[0] for row in boards.ranking("dev")] == [1, 2]
    assert boards.standings() == boards.rebuilt()
    with boards.database.writing() as session:
        roles.take(session, actor=oda, slug="digits", person_id=ada, now=NOW)
    assert [row[0] for row in boards.ranking("fair")] == [1, 2]


@pytest.mark.parametrize(
    "ranking",
    [
        {"mean_rank": ["accuracy", "macro_f1", "brier"]},
        {"by": "accuracy", "ties": ["macro_f1", "brier"]},
    ],
)
def test_a_board_of_ten_thousand_takes_one_query_for_its_rows(boards: Boards, ranking: Any) -> None:
    kept = boards.board("large", ["dev"], ranking=ranking, compare="dev")
    submission = boards.submit("Ada", 0.5)
    with boards.database.writing() as session:
        digits = boards.digits.challenge.id
        session.execute(
            Team.__table__.insert(),
            [
                {"id": f"t{n:018}", "challenge_id": digits, "name": f"T{n}", "skeleton": f"t{n}",
                 "created_at": NOW}
                for n in range(10_000)
            ],
        )  # fmt: skip
        session.execute(
            Standing.__table__.insert(),
            [
                {"board_id": board, "team_id": f"t{n:018}", "place": 0, "submission_id": submission,
                 "scores": {"accuracy": n % 97 / 100, "macro_f1": n % 89 / 100, "brier": n % 83 / 100},
                 "rank_value": n % 97 / 100, "achieved_at": NOW - timedelta(seconds=n),
                 "is_unranked": False, "is_verified": False, "is_picked": False}
                for board in (kept, boards.digits.dev.id)
                for n in range(10_000)
            ],
        )  # fmt: skip

    with counted(boards.database) as statements:
        found = boards.show("large")

    assert found.pages.total == 10_001
    assert len(found.rows) == 50
    assert all(row.rank_before for row in found.rows)
    # The challenge with its phases and pages, the boards with the columns, and the rows.
    assert len([one for one in statements if one.lstrip().startswith("SELECT")]) == 3


def test_a_frozen_board_is_on_no_list(boards: Boards) -> None:
    boards.freeze("frozen", ["dev"], NOW + DAY)

    for who in (None, "Oda"):
        slugs = [one.slug for one in boards.show("frozen", who).boards]
        assert "frozen@frozen" not in slugs
        with pytest.raises(NotFoundError):
            boards.show("frozen@frozen", who)
    with boards.database.reading() as session:
        assert session.scalar(select(Board).where(Board.slug == "frozen@frozen"))
