"""Teams: invitations, sizes, leaving, names."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db.tables import Invitation, PastMembership, Submission, Team
from portal.domain.accounts.people import ShownAs
from portal.domain.audit import Action
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.accounts import names
from portal.services.teams import invitations, joining, membership, mergers, teams
from portal.services.teams import views as team_views
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.scenes.participants import Scene, ask


def test_a_link_lets_somebody_in_who_has_submitted_nothing(scene: Scene) -> None:
    scene.submit("Ada")

    scene.invite("Ada", "Grace")

    assert scene.team("Grace").id == scene.team("Ada").id
    assert scene.left("Grace") == 1
    with scene.database.reading() as session:
        assert len(session.scalars(select(Team)).all()) == 1
        row = session.scalars(select(Invitation)).one()
    assert len(row.secret_sha256) == 64
    assert Action.TEAM_JOINED in scene.actions()


def test_an_empty_team_of_ones_own_is_given_up_for_another(scene: Scene) -> None:
    scene.submit("Ada")
    with scene.database.writing() as session:
        teams.join_alone(
            session, actor=scene.actor("Grace"), challenge_id=scene.digits.challenge.id, now=NOW
        )

    scene.invite("Ada", "Grace")

    with scene.database.reading() as session:
        assert [team.name for team in session.scalars(select(Team))] == ["Ada"]


def test_whoever_has_submitted_merges_instead(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Grace")
    secret = scene.do(invitations.invite, "Ada", slug="digits")

    with pytest.raises(ParticipantError, match=r"has submitted\. Ask for a merger"):
        scene.do(invitations.accept, "Grace", secret=secret, accepts=True)


@pytest.mark.parametrize("way", ["expired", "withdrawn", "unknown"])
def test_a_link_that_does_not_work_says_so(scene: Scene, way: str) -> None:
    scene.submit("Ada")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    now = NOW + 8 * DAY if way == "expired" else NOW
    if way == "withdrawn":
        with scene.database.reading() as session:
            made = session.scalars(select(Invitation.id)).one()
        scene.do(invitations.withdraw, "Ada", slug="digits", invitation_id=made)

    with pytest.raises(ParticipantError, match="This invitation does not work"):
        scene.do(
            invitations.accept,
            "Grace",
            secret="x" * 43 if way == "unknown" else secret,
            accepts=True,
            now=now,
        )

    assert scene.team("Grace") is None


def test_a_link_into_a_team_opens_no_challenge(scene: Scene) -> None:
    scene.submit("Ada")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    scene.change(join_policy="approve")

    with pytest.raises(NotAllowedError, match="Join the challenge first"):
        scene.do(invitations.accept, "Grace", secret=secret, accepts=True)


def test_a_full_team_takes_nobody(scene: Scene) -> None:
    scene.change(team_size=2)
    scene.submit("Ada")
    scene.invite("Ada", "Grace")

    with pytest.raises(ParticipantError, match="at most 2 members; this would make 3"):
        scene.invite("Ada", "Eve")


def test_frozen_rosters_do_not_change(scene: Scene) -> None:
    scene.submit("Ada")
    secret = scene.do(invitations.invite, "Ada", slug="digits")
    scene.submit("Eve")
    scene.change(rosters_freeze_at=NOW)

    for act in (
        lambda: scene.do(invitations.invite, "Ada", slug="digits"),
        lambda: scene.do(invitations.accept, "Grace", secret=secret, accepts=True),
        lambda: scene.do(membership.leave, "Ada", slug="digits"),
        lambda: scene.do(mergers.ask, "Ada", slug="digits", name="Eve"),
    ):
        with pytest.raises(ParticipantError, match="Teams have been fixed since 2026-11-24"):
            act()


def test_what_a_team_has_used_stays_with_it_when_somebody_leaves(scene: Scene) -> None:
    scene.submit("Ada")
    scene.invite("Ada", "Grace")
    scene.submit("Grace", now=NOW + MINUTE)

    scene.do(membership.leave, "Grace", slug="digits")

    assert scene.team("Grace") is None
    assert (scene.left("Ada"), scene.left("Grace")) == (2, 0)
    with scene.database.reading() as session:
        assert session.scalars(select(PastMembership)).one().person_id == scene.people["Grace"].id


def test_the_last_member_of_a_team_that_has_submitted_stays(scene: Scene) -> None:
    scene.submit("Ada")

    with pytest.raises(ParticipantError, match="only member"):
        scene.do(membership.leave, "Ada", slug="digits")


def test_a_team_is_renamed_to_a_clean_name_that_nobody_has(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")

    scene.do(membership.rename, "Ada", slug="digits", name="  The\u202e Lovelaces ")
    with pytest.raises(ParticipantError, match="Another team of this challenge has this name"):
        scene.do(membership.rename, "Eve", slug="digits", name="the lovelaces")

    assert scene.team("Ada").name == "The Lovelaces"


def test_a_team_named_after_somebody_follows_until_it_is_renamed(scene: Scene) -> None:
    scene.submit("Ada")
    change = {"display_name": "", "pseudonym": "Quiet Heron", "shown_as": ShownAs.PSEUDONYM}

    scene.do(names.change, "Ada", **change)
    followed = scene.team("Ada").name
    scene.do(membership.rename, "Ada", slug="digits", name="Ours")
    scene.do(names.change, "Ada", **{**change, "pseudonym": "Loud Heron"})

    assert (followed, scene.team("Ada").name) == ("Quiet Heron", "Ours")


def test_the_team_page_shows_links_and_wishes_without_secrets(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    scene.do(invitations.invite, "Ada", slug="digits")
    ask(scene, "Eve", "Ada")

    with scene.database.reading() as session:
        page = team_views.team_page(session, actor=scene.actor("Ada"), slug="digits", now=NOW)

    assert [link.by for link in page.links] == ["Ada"]
    assert [(merge.team, merge.is_ours) for merge in page.merges] == [("Eve", False)]
    assert page.links[0].expires_at == NOW + timedelta(days=7)


def test_whoever_takes_part_has_a_team_of_one_to_invite_into(scene: Scene) -> None:
    scene.change(join_policy="claims", join_gate={}, team_size=2)
    for name in ("Ada", "Grace"):
        scene.do(joining.join, name, slug="digits", accepts=True, note="")

    scene.invite("Ada", "Grace")

    assert scene.team("Grace").name == "Ada"
    assert scene.actions()[2:] == [Action.TEAM_MADE, Action.TEAM_INVITED, Action.TEAM_JOINED]


def test_whoever_has_not_joined_the_challenge_has_nothing_to_invite_into(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        scene.do(invitations.invite, "Ada", slug="digits")

    assert scene.team("Ada") is None


def test_whoever_is_in_a_team_with_others_leaves_it_first(scene: Scene) -> None:
    scene.change(join_policy="claims", join_gate={})
    for name in ("Ada", "Eve", "Grace"):
        scene.do(joining.join, name, slug="digits", accepts=True, note="")
    scene.invite("Ada", "Grace")
    secret = scene.do(invitations.invite, "Eve", slug="digits")

    with pytest.raises(ParticipantError, match="in the team Ada together with others"):
        scene.do(invitations.accept, "Grace", secret=secret, accepts=True)
    scene.do(membership.leave, "Grace", slug="digits")
    scene.do(invitations.accept, "Grace", secret=secret, accepts=True)

    assert scene.team("Grace").name == "Eve"


def test_a_team_whose_submissions_do_not_count_is_left_behind(scene: Scene) -> None:
    scene.submit("Ada")
    submission = scene.submit("Grace")
    with scene.database.writing() as session:
        session.get_one(Submission, submission).counts = False

    scene.invite("Ada", "Grace")

    assert scene.team("Grace").name == "Ada"
    with scene.database.reading() as session:
        left = session.get_one(Submission, submission).team_id
        assert session.get_one(Team, left).name == "Grace"


def test_teams_that_merged_and_submitted_nothing_go_with_their_last_member(scene: Scene) -> None:
    scene.change(join_policy="claims", join_gate={})
    for name in ("Ada", "Eve"):
        scene.do(joining.join, name, slug="digits", accepts=True, note="")
        scene.do(invitations.invite, name, slug="digits")
    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    scene.do(membership.leave, "Ada", slug="digits")
    scene.do(membership.leave, "Eve", slug="digits")

    with scene.database.reading() as session:
        assert session.scalars(select(Team)).all() == []


def test_a_team_keeps_its_name_when_the_challenge_is_over(scene: Scene) -> None:
    scene.submit("Ada")

    with pytest.raises(ParticipantError, match=r"The challenge is over: names stay as they are\."):
        scene.do(membership.rename, "Ada", slug="digits", name="Too late", now=NOW + 60 * DAY)
