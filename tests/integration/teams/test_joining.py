"""Taking part in a challenge by its policy, with its terms accepted."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from portal.db.tables import (
    Participation,
    Person,
)
from portal.domain.accounts.gates import Gate
from portal.domain.audit import Action
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.teams.membership_rules import ParticipationState
from portal.services.teams import joining
from tests.support import factories
from tests.support.factories import MINUTE, NOW
from tests.support.same_moment import one_while_the_other
from tests.support.scenes.participants import Scene


def test_submitting_to_an_open_challenge_joins_it_and_records_the_terms(scene: Scene) -> None:
    scene.submit("Ada")

    with scene.database.reading() as session:
        row = session.scalars(select(Participation)).one()
    assert row.state is ParticipationState.ADMITTED
    assert len(row.terms_sha256) == 64
    assert scene.actions() == [Action.JOINED, Action.TEAM_MADE]


def test_whoever_has_to_be_let_in_cannot_submit_before(scene: Scene) -> None:
    scene.change(join_policy="approve")
    with pytest.raises(NotAllowedError, match="Join the challenge first"):
        scene.submit("Ada")

    state = scene.do(joining.join, "Ada", slug="digits", accepts=True, note="I am in group 3")
    with pytest.raises(NotAllowedError, match="not yet let you in"):
        scene.submit("Ada")
    scene.do(joining.decide, "Oda", slug="digits", person_id=scene.people["Ada"].id, admits=True)

    assert state is ParticipationState.ASKED
    assert scene.submit("Ada")
    assert scene.actions() == [Action.JOIN_ASKED, Action.JOIN_ADMITTED, Action.TEAM_MADE]


def test_whoever_was_declined_can_be_admitted_later_but_not_the_other_way_round(
    scene: Scene,
) -> None:
    scene.change(join_policy="approve")
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    ada = scene.people["Ada"].id

    scene.do(joining.decide, "Oda", slug="digits", person_id=ada, admits=False)
    with pytest.raises(NotAllowedError, match="have declined"):
        scene.submit("Ada")
    scene.do(joining.decide, "Oda", slug="digits", person_id=ada, admits=True)

    with pytest.raises(ParticipantError, match="takes part already"):
        scene.do(joining.decide, "Oda", slug="digits", person_id=ada, admits=False)


def test_only_organisers_decide(scene: Scene) -> None:
    scene.change(join_policy="approve")
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")

    with pytest.raises(NotFoundError):
        scene.do(
            joining.decide, "Eve", slug="digits", person_id=scene.people["Ada"].id,
            admits=True,
        )  # fmt: skip


def test_a_gate_looks_at_this_login_and_says_whom_to_ask(scene: Scene) -> None:
    gate = Gate(title="Members of Nordholm", claims={"affiliation": ("member@*",)}, ask="Dr. Oda")
    scene.change(join_policy="claims", join_gate=gate.as_json())
    with scene.database.writing() as session:
        account = factories.add_account(
            session, session.get_one(Person, scene.people["Ada"].id), "ada"
        )
        account.claims = {"affiliation": ["member@nordholm.example"]}

    def join(name: str, **more):
        with scene.database.writing() as session:
            return joining.join(
                session, actor=scene.actor(name, **more), slug="digits", accepts=True, note="",
                now=NOW,
            )  # fmt: skip

    with pytest.raises(
        NotAllowedError, match=r"asks for: Members of Nordholm\. Ask Dr\. Oda about it"
    ):
        join("Eve")
    state = join("Ada", account=("https://login.example.org", "ada"))

    assert state is ParticipationState.ADMITTED


def test_a_missing_second_factor_is_told_apart(scene: Scene) -> None:
    gate = Gate(title="Two factors", claims={"acr": ("https://refeds.org/profile/mfa",)})
    scene.change(join_policy="claims", join_gate=gate.as_json())

    with pytest.raises(joining.GateClosedError) as refusal:
        scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")

    assert refusal.value.needs_second_factor


def test_terms_are_accepted_first_and_again_when_they_change(scene: Scene) -> None:
    scene.change(join_policy="claims", join_gate={})
    with pytest.raises(ParticipantError, match="Tick that you accept"):
        scene.do(joining.join, "Ada", slug="digits", accepts=False, note="")
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    scene.submit("Ada")

    scene.change(terms="# New terms")

    with pytest.raises(NotAllowedError, match="terms of this challenge have changed"):
        scene.submit("Ada", now=NOW + MINUTE)
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    assert scene.submit("Ada", now=NOW + MINUTE)


def test_a_refusal_keeps_to_the_log_what_was_asked_of_the_login(scene: Scene) -> None:
    gate = Gate(title="Members of Nordholm", claims={"affiliation": ("member@nordholm.example",)})
    scene.change(join_policy="claims", join_gate=gate.as_json())

    with capture_logs() as logged, pytest.raises(NotAllowedError) as refusal:
        scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")

    assert refusal.value.message == (
        "This challenge asks for: Members of Nordholm. Ask the support of this site about it."
    )
    [line] = logged
    assert (line["rule"], line["missing_claim"], line["wanted"]) == (
        "Members of Nordholm", "affiliation", ["member@nordholm.example"],
    )  # fmt: skip


def test_a_challenge_that_opens_lets_in_whom_it_had_declined(scene: Scene) -> None:
    scene.change(join_policy="approve")
    for name in ("Ada", "Eve"):
        scene.do(joining.join, name, slug="digits", accepts=True, note="")
        scene.do(
            joining.decide, "Oda", slug="digits", person_id=scene.people[name].id,
            admits=False,
        )  # fmt: skip
    scene.change(join_policy="open")

    by_the_page = scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    scene.submit("Eve")

    assert by_the_page is ParticipationState.ADMITTED
    assert scene.actions()[4:] == [Action.JOINED, Action.JOINED, Action.TEAM_MADE]


def test_whoever_waits_gets_in_by_their_claims_once_these_are_the_policy(scene: Scene) -> None:
    scene.change(join_policy="approve")
    scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")
    scene.change(join_policy="claims", join_gate={})

    state = scene.do(joining.join, "Ada", slug="digits", accepts=True, note="")

    assert state is ParticipationState.ADMITTED
    assert scene.actions() == [Action.JOIN_ASKED, Action.JOINED]


def test_joining_twice_at_the_same_moment_is_joining_once(scene: Scene) -> None:
    scene.change(join_policy="claims", join_gate={})

    def join(session: Session) -> ParticipationState:
        return joining.join(
            session, actor=scene.actor("Ada"), slug="digits", accepts=True, note="", now=NOW
        )

    states = one_while_the_other(scene.database, join, join)

    assert states == [ParticipationState.ADMITTED] * 2
    assert scene.actions() == [Action.JOINED]
