"""Changes of one team, or by one person, that meet: one of them waits, and then is shown the truth."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Invitation, Membership, Submission
from portal.domain.errors import NotAllowedError, ParticipantError
from portal.services.teams import expulsion, invitations, joining, membership
from tests.support.factories import NOW
from tests.support.same_moment import one_while_the_other
from tests.support.scenes.participants import Scene

LEAVE = "Leave it first, or ask for a merger on its page."


def test_two_at_the_same_moment_cannot_both_take_the_last_place(scene: Scene) -> None:
    scene.change(team_size=2)
    scene.submit("Ada")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    together, refused = threading.Barrier(2), []

    def accept(name: str) -> None:
        together.wait()
        try:
            scene.do(invitations.accept, name, secret=secret, accepts=True)
        except ParticipantError as error:
            refused.append(error.reason)

    threads = [threading.Thread(target=accept, args=(name,)) for name in ("Eve", "Grace")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["full"]
    with scene.database.reading() as session:
        assert len(session.scalars(select(Membership)).all()) == 2


def test_nobody_gets_into_two_teams_at_the_same_moment(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    # Otherwise the two would wait for each other already where Grace begins to take part.
    scene.do(joining.join, "Grace", slug="digits", accepts=True, note="")
    secrets = [scene.do(invitations.invite, name, slug="digits") for name in ("Ada", "Eve")]

    def accept(secret: str) -> Callable[[Session], str]:
        def act(session: Session) -> str:
            try:
                invitations.accept(
                    session, actor=scene.actor("Grace"), secret=secret, accepts=True, now=NOW
                )
            except ParticipantError as error:
                return error.message
            return "in"

        return act

    answers = one_while_the_other(scene.database, *map(accept, secrets))

    assert answers == [
        "in",
        f"You are in the team Ada together with others. {LEAVE}",
    ]
    assert scene.team("Grace").name == "Ada"


def test_a_link_that_is_withdrawn_at_the_same_moment_lets_nobody_in(scene: Scene) -> None:
    scene.submit("Ada")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    with scene.database.reading() as session:
        made = session.scalars(select(Invitation.id)).one()

    def withdraw(session: Session) -> None:
        invitations.withdraw(
            session, actor=scene.actor("Ada"), slug="digits", invitation_id=made, now=NOW
        )

    def accept(session: Session) -> None:
        invitations.accept(
            session, actor=scene.actor("Grace"), secret=secret, accepts=True, now=NOW
        )

    with pytest.raises(ParticipantError, match="This invitation does not work"):
        one_while_the_other(scene.database, withdraw, accept)

    assert scene.team("Grace") is None


def test_whoever_leaves_while_they_submit_submits_for_nobody(scene: Scene) -> None:
    scene.submit("Ada")
    scene.invite("Ada", "Grace")

    def leave(session: Session) -> None:
        membership.leave(session, actor=scene.actor("Grace"), slug="digits", now=NOW)

    def submit(session: Session) -> str:
        return scene.submit_within(session, "Grace", "late", now=NOW)

    if not scene.database.is_postgresql:  # There the second begins when the first has ended.
        one_while_the_other(scene.database, leave, submit)
        assert scene.team("Grace").name == "Grace"
        return
    with pytest.raises(ParticipantError, match="Your team has changed at this moment"):
        one_while_the_other(scene.database, leave, submit)
    assert scene.left("Ada") == 1


def test_whoever_is_banned_while_they_submit_submits_nothing(scene: Scene) -> None:
    scene.submit("Ada")

    def ban(session: Session) -> None:
        expulsion.ban(
            session, actor=scene.actor("Oda"), slug="digits", person_id=scene.people["Ada"].id,
            reason="Two accounts", now=NOW,
        )  # fmt: skip

    def submit(session: Session) -> str:
        return scene.submit_within(session, "Ada", "late", now=NOW)

    with pytest.raises(NotAllowedError, match="banned you"):
        one_while_the_other(scene.database, ban, submit)

    with scene.database.reading() as session:
        assert len(session.scalars(select(Submission)).all()) == 1
