"""Organisers remove and ban people: what they can no longer do, what stays, and what is taken back."""

import pytest
from sqlalchemy import select

from portal.db.tables import (
    Cancellation,
    Evaluation,
    Invitation,
    Mail,
    Participation,
    Submission,
    SubmissionMark,
)
from portal.domain.audit import Action
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.evaluations.states import EvaluationState
from portal.domain.leaderboards.marks import Mark
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.mail import queue
from portal.services.teams import expulsion, invitations, joining, membership, mergers
from tests.support import factories
from tests.support.scenes.participants import Scene, scored

REASON = "Two accounts of one person"


def _ban(scene: Scene, who: str, **more: object) -> None:
    scene.do(
        expulsion.ban, "Oda", slug="digits", person_id=scene.people[who].id,
        **({"reason": REASON} | more),
    )  # fmt: skip


def _lift(scene: Scene, who: str) -> None:
    scene.do(expulsion.lift, "Oda", slug="digits", person_id=scene.people[who].id)


def _remove(scene: Scene, who: str, **more: object) -> None:
    scene.do(
        expulsion.remove, "Oda", slug="digits", person_id=scene.people[who].id,
        **({"reason": REASON} | more),
    )  # fmt: skip


def _row(scene: Scene, who: str) -> Participation:
    with scene.database.reading() as session:
        return session.get_one(Participation, (scene.digits.challenge.id, scene.people[who].id))


def _states(scene: Scene, submission_id: str) -> set[EvaluationState]:
    with scene.database.reading() as session:
        rows = select(Evaluation.state).where(Evaluation.submission_id == submission_id)
        return set(session.scalars(rows))


def test_a_banned_person_neither_joins_nor_submits_until_it_is_lifted(scene: Scene) -> None:
    scene.submit("Ada")

    _ban(scene, "Ada", contact="board@nordholm.example")

    with pytest.raises(NotAllowedError, match="banned you"):
        scene.submit("Ada")
    with pytest.raises(NotAllowedError, match="banned you"):
        scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    page = scene.do(joining.join_page, "Ada", slug="digits")
    assert (page.state, page.reason, page.ask) == (
        ParticipationState.BANNED, REASON, "board@nordholm.example",
    )  # fmt: skip
    _lift(scene, "Ada")
    scene.submit("Ada", "another")
    assert _row(scene, "Ada").reason == ""
    assert scene.actions().count(Action.BAN_LIFTED) == 1


def test_what_runs_for_whoever_is_alone_in_a_team_is_cancelled_and_results_stay(
    scene: Scene,
) -> None:
    done = scored(scene, "Ada", 0.9)
    waiting = scene.submit("Ada")

    _ban(scene, "Ada")

    assert _states(scene, waiting) == {EvaluationState.CANCELLED}
    assert _states(scene, done) == {EvaluationState.SCORED}
    assert scene.team("Ada") is not None
    with scene.database.reading() as session:
        assert session.scalars(select(Cancellation.asked_by)).all() == [scene.people["Oda"].id]


def test_the_others_of_a_team_go_on_with_it_and_with_what_runs(scene: Scene) -> None:
    running = scene.submit("Ada")
    scene.invite("Ada", "Eve")
    theirs = scene.team("Eve")

    _ban(scene, "Ada")

    assert scene.team("Ada") is None
    assert scene.team("Eve").id == theirs.id
    assert _states(scene, running) == {EvaluationState.WAITING}
    scene.submit("Eve", "of Eve")
    with pytest.raises(NotAllowedError, match="banned you"):
        scene.submit("Ada", "again")


def test_a_ban_marks_what_the_person_submitted_and_nothing_of_their_mates(scene: Scene) -> None:
    mine = scored(scene, "Ada", 0.9)
    scene.invite("Ada", "Eve")
    with scene.database.writing() as session:
        team = session.get_one(Submission, mine).team_id
        other = factories.add_submission(
            session, scene.digits, scene.team("Eve"), scene.people["Eve"], accuracy=0.8
        )
        assert other.team_id == team

    _ban(scene, "Ada", mark=Mark.DISQUALIFIED)
    _ban(scene, "Ada", mark=Mark.DISQUALIFIED)

    with scene.database.reading() as session:
        found = session.execute(
            select(SubmissionMark.submission_id, SubmissionMark.mark, SubmissionMark.reason)
        ).all()
    assert found == [(mine, Mark.DISQUALIFIED, expulsion.WHY_MARKED)]


def test_nobody_gets_into_the_team_of_a_banned_person(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve", "of Eve")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    scene.do(mergers.ask, "Eve", slug="digits", name="Ada")

    _ban(scene, "Ada")

    with pytest.raises(ParticipantError, match="does not work"):
        scene.do(invitations.accept, "Grace", secret=secret, accepts=True)
    for command, more in (
        (invitations.invite, {}),
        (membership.rename, {"name": "Rude"}),
        (mergers.ask, {"name": "Eve"}),
    ):
        with pytest.raises(NotAllowedError, match="banned you"):
            scene.do(command, "Ada", slug="digits", **more)
    with scene.database.reading() as session:
        assert None not in session.scalars(select(Invitation.withdrawn_at)).all()


@pytest.mark.parametrize("policy", ["open", "approve"])
def test_a_removed_person_may_come_again(scene: Scene, policy: str) -> None:
    scene.submit("Ada")
    scene.change(join_policy=policy)

    _remove(scene, "Ada")

    with pytest.raises(NotAllowedError, match="removed you"):
        scene.submit("Ada", "again")
    state = scene.do(joining.join, "Ada", slug="digits", accepts=True, note="Sorry")
    if policy == "approve":
        assert state is ParticipationState.ASKED
        assert _row(scene, "Ada").note == "Sorry"
        scene.do(
            joining.decide, "Oda", slug="digits", person_id=scene.people["Ada"].id, admits=True
        )
    scene.submit("Ada", "again")
    assert _row(scene, "Ada").reason == ""


def test_removing_ends_no_run_and_needs_somebody_who_takes_part(scene: Scene) -> None:
    waiting = scene.submit("Ada")
    scene.change(join_policy="approve")
    scene.do(joining.join, "Eve", slug="digits", accepts=True, note="")

    _remove(scene, "Ada")
    _remove(scene, "Ada")

    assert _states(scene, waiting) == {EvaluationState.WAITING}
    assert scene.actions().count(Action.PARTICIPANT_REMOVED) == 1
    with pytest.raises(ParticipantError, match="does not take part"):
        _remove(scene, "Eve")
    with pytest.raises(NotFoundError):
        _remove(scene, "Grace")


def test_a_ban_that_is_lifted_leads_back_to_a_request(scene: Scene) -> None:
    scene.change(join_policy="approve")
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")

    _ban(scene, "Ada")
    with pytest.raises(ParticipantError, match="Lift the ban first"):
        scene.do(
            joining.decide, "Oda", slug="digits", person_id=scene.people["Ada"].id, admits=True
        )
    _lift(scene, "Ada")
    _lift(scene, "Ada")

    assert _row(scene, "Ada").state is ParticipationState.ASKED
    assert scene.actions().count(Action.BAN_LIFTED) == 1


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501])
def test_a_ban_needs_a_reason_of_some_length(scene: Scene, reason: str) -> None:
    scene.submit("Ada")

    with pytest.raises(ParticipantError):
        _ban(scene, "Ada", reason=reason)

    assert _row(scene, "Ada").state is ParticipationState.ADMITTED


def test_whoever_works_for_the_challenge_is_not_banned(scene: Scene) -> None:
    scene.submit("Oda")

    with pytest.raises(ParticipantError, match="works for the challenge"):
        _ban(scene, "Oda")


def test_participants_ban_nobody(scene: Scene) -> None:
    scene.submit("Ada")

    with pytest.raises(NotFoundError):
        scene.do(
            expulsion.ban, "Eve", slug="digits", person_id=scene.people["Ada"].id, reason="Rival"
        )


def test_a_ban_is_one_mail_and_ends_announcements(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve", "of Eve")

    _ban(scene, "Ada", by_mail=True)
    _ban(scene, "Ada", reason="Said better", by_mail=True)

    with scene.database.reading() as session:
        assert [one.kind for one in session.scalars(select(Mail))] == ["join_banned"]
        takes_part = queue._who_take_part(session, scene.digits.challenge.id)
    assert takes_part == [scene.people["Eve"].id]
