"""Two teams become one: all at once, by the rule, and whatever comes in meanwhile."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import (
    Attempt,
    Person,
    Standing,
    Submission,
    Team,
)
from portal.domain.audit import Action
from portal.domain.errors import NotFoundError, ParticipantError
from portal.domain.evaluations.states import AttemptState, EvaluationState
from portal.domain.leaderboards.scores import Rule
from portal.services.evaluations import results
from portal.services.teams import invitations, mergers, teams
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.same_moment import one_while_the_other
from tests.support.scenes.participants import Scene, ask, scored


def test_a_merger_brings_members_submissions_and_standing_together(scene: Scene) -> None:
    better, worse = scored(scene, "Ada", 0.95), scored(scene, "Eve", 0.91)
    gone = scene.team("Ada").id

    request = ask(scene, "Ada", "Eve")
    scene.do(mergers.accept, "Eve", slug="digits", request_id=request)

    team = scene.team("Eve")
    assert scene.team("Ada").id == team.id
    assert scene.left("Ada") == 2
    with scene.database.reading() as session:
        rows = {row.id: row for row in session.scalars(select(Submission))}
        standing = session.scalars(select(Standing)).one()
        old = session.get_one(Team, gone)
    assert {row.team_id for row in rows.values()} == {team.id}
    assert (rows[better].first_team_id, rows[worse].first_team_id) == (gone, None)
    assert (standing.team_id, standing.submission_id) == (team.id, better)
    assert old.merged_into_id == team.id
    assert scene.actions()[-2:] == [Action.MERGE_ASKED, Action.MERGE_ACCEPTED]


def test_together_they_may_not_have_more_than_one_team_could(scene: Scene) -> None:
    with scene.database.writing() as session:
        session.merge(scene.digits.dev).total = 3
    for name in ("Ada", "Eve"):
        scene.submit(name)
        scene.submit(name, f"more of {name}")

    with pytest.raises(
        ParticipantError, match=r"4 submissions that count in Development \(2 and 2\)"
    ):
        scene.do(mergers.ask, "Ada", slug="digits", name="Eve")


def test_it_is_checked_again_when_the_other_team_accepts(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    request = ask(scene, "Ada", "Eve")
    scene.change(team_size=1)

    with pytest.raises(ParticipantError, match="at most 1 member; this would make 2"):
        scene.do(mergers.accept, "Eve", slug="digits", request_id=request)

    assert scene.team("Ada").id != scene.team("Eve").id


def test_each_side_does_only_what_is_its_own(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    request = ask(scene, "Ada", "Eve")

    for service, who in (
        (mergers.accept, "Ada"),
        (mergers.decline, "Ada"),
        (mergers.withdraw, "Eve"),
    ):
        with pytest.raises(NotFoundError):
            scene.do(service, who, slug="digits", request_id=request)
    scene.do(mergers.decline, "Eve", slug="digits", request_id=request)

    with pytest.raises(ParticipantError, match="decided already"):
        scene.do(mergers.withdraw, "Ada", slug="digits", request_id=request)


@pytest.mark.parametrize("first", ["merger", "result"])
def test_a_result_that_comes_in_while_teams_merge_stands_for_the_merged_team(
    scene: Scene, first: str
) -> None:
    submission, token = being_scored(scene, "Ada")
    scored(scene, "Eve", 0.91)
    gone = scene.team("Ada").id
    request = ask(scene, "Ada", "Eve")

    def merge(session: Session) -> None:
        mergers.accept(
            session, actor=scene.actor("Eve"), slug="digits", request_id=request, now=NOW
        )

    def collect(session: Session) -> None:
        results.scored(
            session, token, scores=factories.scores_of(0.97), seal={}, record={}, now=NOW
        )
        # What stands is written before the transaction ends, as it is when others wait for it.
        session.flush()

    one_while_the_other(
        scene.database, *((merge, collect) if first == "merger" else (collect, merge))
    )

    with scene.database.reading() as session:
        standings = session.scalars(select(Standing)).all()
    assert [(row.team_id, row.submission_id) for row in standings] == [
        (scene.team("Eve").id, submission)
    ]
    assert scene.team("Ada").id != gone


@pytest.mark.parametrize("first", ["merger", "result"])
def test_a_result_of_the_team_that_stays_is_not_lost_in_a_merger(scene: Scene, first: str) -> None:
    submission, token = being_scored(scene, "Eve")
    scored(scene, "Ada", 0.91)
    request = ask(scene, "Ada", "Eve")

    def merge(session: Session) -> None:
        mergers.accept(
            session, actor=scene.actor("Eve"), slug="digits", request_id=request, now=NOW
        )

    def collect(session: Session) -> None:
        results.scored(
            session, token, scores=factories.scores_of(0.97), seal={}, record={}, now=NOW
        )
        session.flush()

    one_while_the_other(
        scene.database, *((merge, collect) if first == "merger" else (collect, merge))
    )

    with scene.database.reading() as session:
        standings = session.scalars(select(Standing)).all()
    assert [(row.team_id, row.submission_id) for row in standings] == [
        (scene.team("Eve").id, submission)
    ]


def being_scored(scene: Scene, name: str) -> tuple[str, str]:
    """Add a first submission, whose score job has ended; return its id and the token of the attempt."""
    with scene.database.writing() as session:
        person = session.get_one(Person, scene.people[name].id)
        team = teams.join_alone(
            session, actor=scene.actor(name), challenge_id=scene.digits.challenge.id, now=NOW
        )
        row = factories.add_submission(
            session, scene.digits, team, person, state=EvaluationState.SCORING
        )
        attempt = session.scalars(select(Attempt)).one()
        attempt.state = AttemptState.ENDED
        return row.id, attempt.token


def test_a_submission_that_waits_for_a_merger_goes_to_the_merged_team(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    request = ask(scene, "Ada", "Eve")

    one_while_the_other(
        scene.database,
        lambda session: mergers.accept(
            session, actor=scene.actor("Eve"), slug="digits", request_id=request, now=NOW
        ),
        lambda session: scene.submit_within(session, "Ada", "more", now=NOW + MINUTE),
    )

    with scene.database.reading() as session:
        teams_now = set(session.scalars(select(Submission.team_id)))
    assert teams_now == {scene.team("Eve").id}
    assert scene.left("Ada") == 3


def test_a_merger_that_waits_for_a_submission_counts_it(scene: Scene) -> None:
    with scene.database.writing() as session:
        session.merge(scene.digits.dev).total = 2
    scene.submit("Ada")
    scene.submit("Eve")
    request = ask(scene, "Ada", "Eve")

    def merge(session: Session) -> None:
        with pytest.raises(ParticipantError, match=r"3 submissions that count .* \(2 and 1\)"):
            mergers.accept(
                session, actor=scene.actor("Eve"), slug="digits", request_id=request, now=NOW
            )

    one_while_the_other(
        scene.database, lambda session: scene.submit_within(session, "Ada", "more", now=NOW), merge
    )

    assert scene.team("Ada").id != scene.team("Eve").id


def test_two_teams_that_ask_each_other_merge_once(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    there, back = ask(scene, "Ada", "Eve"), ask(scene, "Eve", "Ada")

    def accept(who: str, request: str) -> Callable[[Session], str]:
        def act(session: Session) -> str:
            try:
                mergers.accept(
                    session, actor=scene.actor(who), slug="digits", request_id=request, now=NOW
                )
            except ParticipantError as error:
                return error.reason
            return "merged"

        return act

    answers = one_while_the_other(scene.database, accept("Eve", there), accept("Ada", back))

    assert answers == ["merged", "not_found"]
    assert scene.team("Ada").id == scene.team("Eve").id


def test_links_of_a_team_that_has_merged_work_no_more(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    secret = scene.do(invitations.invite, "Ada", slug="digits")

    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    with pytest.raises(ParticipantError, match="This invitation does not work"):
        scene.do(invitations.accept, "Grace", secret=secret, accepts=True)


def test_the_last_submission_stands_after_a_merger_where_that_is_the_rule(scene: Scene) -> None:
    scene.change(rule=Rule.LAST)
    later = scored(scene, "Ada", 0.90, at=NOW - MINUTE)
    scored(scene, "Eve", 0.95, at=NOW - DAY)

    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    with scene.database.reading() as session:
        standing = session.scalars(select(Standing)).one()
    assert (standing.submission_id, standing.rank_value) == (later, 0.9)
