"""Roles, staff, operators and tokens: for every predicate exactly who gets a yes."""

import inspect
from dataclasses import replace

import pytest

from portal.domain import permissions
from portal.domain.accounts.people import VISITOR, Actor, ActorKind, operator
from portal.domain.accounts.tokens import Scope
from portal.domain.permissions import Audience, ChallengeRelation

OPEN = ChallengeRelation(
    published=True, owners={"owner"}, organisers={"organiser"}, reviewers={"reviewer"},
    participants={"member"},
)  # fmt: skip
DRAFT = ChallengeRelation(
    published=False, owners={"owner"}, organisers={"organiser"}, reviewers={"reviewer"},
    participants={"member"},
)  # fmt: skip
OVER = ChallengeRelation(
    published=True, is_open=False, owners={"owner"}, organisers={"organiser"}, reviewers={"reviewer"},
    participants={"member"},
)  # fmt: skip
TEAM = frozenset({"member"})


def _token(person: str, *scopes: Scope, is_staff: bool = False) -> Actor:
    # No token makes staff: whoever looks one up never sets the mark.
    return Actor(
        person_id=person, kind=ActorKind.TOKEN, scopes=frozenset(scopes), is_staff=is_staff
    )


WHO = {
    "visitor": VISITOR,
    "newcomer": Actor(person_id="owner", has_accepted=False),
    "person": Actor(person_id="person"),
    "member": Actor(person_id="member"),
    "reviewer": Actor(person_id="reviewer"),
    "organiser": Actor(person_id="organiser"),
    "owner": Actor(person_id="owner"),
    "staff": Actor(person_id="staff", is_staff=True),
    "operator": operator("root"),
    "owner's token to read": _token("owner", Scope.READ),
    "owner's token to organise": _token("owner", Scope.ORGANISE),
}
OWNERS = ["owner", "staff", "owner's token to organise"]
ORGANISERS = ["organiser", *OWNERS]
REVIEWERS = ["reviewer", *ORGANISERS]
PEOPLE = ["person", "member", "reviewer", "organiser", "owner", "staff"]

CASES = {
    "may_change": (lambda _: permissions.may_change(OVER), list(WHO)),
    "may_change an archive": (
        lambda _: permissions.may_change(replace(OVER, rests=True)), [],
    ),
    "may_own": (lambda a: permissions.may_own(a, OPEN), OWNERS),
    "may_organise": (lambda a: permissions.may_organise(a, OPEN), ORGANISERS),
    "may_manage_participants": (
        lambda a: permissions.may_manage_participants(a, OPEN), ORGANISERS,
    ),
    "may_take_part banned": (
        lambda a: permissions.may_take_part(a, replace(OPEN, banned={"member"})),
        [who for who in PEOPLE if who != "member"],
    ),
    "may_invite_to_roles": (lambda a: permissions.may_invite_to_roles(a, OPEN), OWNERS),
    "may_answer": (lambda a: permissions.may_answer(a, OPEN), ORGANISERS),
    "may_read_answers": (
        lambda a: permissions.may_read_answers(a, OPEN, takes_part=True),
        [*PEOPLE, "owner's token to read"],
    ),
    "may_read_answers banned": (
        lambda a: permissions.may_read_answers(
            a, replace(OPEN, banned={"member"}), takes_part=True
        ),
        [*(who for who in PEOPLE if who != "member"), "owner's token to read"],
    ),
    "may_ask": (lambda a: permissions.may_ask(a, OVER, takes_part=True), PEOPLE),
    "may_ask outside": (lambda a: permissions.may_ask(a, OPEN, takes_part=False), []),
    "may_ask banned": (
        lambda a: permissions.may_ask(a, replace(OPEN, banned={"member"}), takes_part=True),
        [who for who in PEOPLE if who != "member"],
    ),
    "may_read_log": (lambda a: permissions.may_read_log(a, OPEN), ORGANISERS),
    "may_send_circulars": (
        lambda a: permissions.may_send_circulars(a, OPEN), ["organiser", "owner", "staff"],
    ),
    "may_announce": (lambda a: permissions.may_announce(a, OPEN), ORGANISERS),
    "may_announce in what is over": (lambda a: permissions.may_announce(a, OVER), ORGANISERS),
    "may_review": (lambda a: permissions.may_review(a, OPEN), REVIEWERS),
    "may_release_logs": (
        lambda a: permissions.may_release_logs(a, OPEN), ["organiser", "owner", "staff"],
    ),
    "may_create_challenge": (
        lambda a: permissions.may_create_challenge(a, everybody=False), ["staff"],
    ),
    "may_create_challenge where everybody does": (
        lambda a: permissions.may_create_challenge(a, everybody=True),
        [*PEOPLE, "owner's token to organise"],
    ),
    "may_admit_teams": (lambda a: permissions.may_admit_teams(a, OPEN), ORGANISERS),
    "may_give_tries": (lambda a: permissions.may_give_tries(a, OPEN), ORGANISERS),
    "may_mark": (lambda a: permissions.may_mark(a, OPEN), ORGANISERS),
    "may_try": (lambda a: permissions.may_try(a, OPEN), ORGANISERS),
    "may_accept_cheats": (lambda a: permissions.may_accept_cheats(a, OPEN), OWNERS),
    "may_resolve": (lambda a: permissions.may_resolve(a, OPEN), ["organiser", "owner", "staff"]),
    "may_resolve of the site": (lambda a: permissions.may_resolve(a, None), ["staff"]),
    "may_see_challenge": (lambda a: permissions.may_see_challenge(a, DRAFT), REVIEWERS),
    "may_read_inside": (
        lambda a: permissions.may_read_inside(a, OPEN, is_admitted=False), ["member", *REVIEWERS],
    ),
    "may_read_inside who was admitted": (
        lambda a: permissions.may_read_inside(a, OPEN, is_admitted=True),
        [*PEOPLE, "owner's token to read", "owner's token to organise"],
    ),
    "may_read_inside of a draft": (
        lambda a: permissions.may_read_inside(a, DRAFT, is_admitted=True), REVIEWERS,
    ),
    "may_take_part": (lambda a: permissions.may_take_part(a, OPEN), PEOPLE),
    "may_submit": (lambda a: permissions.may_submit(a, OPEN), PEOPLE),
    "may_see_own_part": (lambda a: permissions.may_see_own_part(a, OVER, has_part=True), PEOPLE),
    "may_see_own_part who had none": (
        lambda a: permissions.may_see_own_part(a, OVER, has_part=False), [],
    ),
    "may_see_own_part before it is over": (
        lambda a: permissions.may_see_own_part(a, OPEN, has_part=False), PEOPLE,
    ),
    "may_change_team": (lambda a: permissions.may_change_team(a, TEAM), ["member"]),
    "may_see_submission": (
        lambda a: permissions.may_see_submission(a, OPEN, TEAM),
        ["member", "reviewer", "organiser", "owner", "staff"],
    ),
    "may_cancel": (lambda a: permissions.may_cancel(a, OPEN, TEAM), ["member", *ORGANISERS]),
    "may_see_leaderboard": (
        lambda a: permissions.may_see_leaderboard(a, OPEN, Audience.ORGANISERS), REVIEWERS,
    ),
    "may_see_staff_pages": (permissions.may_see_staff_pages, ["staff"]),
    "may_operate": (permissions.may_operate, ["operator"]),
    "may_name_roles": (lambda a: permissions.may_name_roles(a, OPEN), [*OWNERS, "operator"]),
    "may_step": (lambda a: permissions.may_step(a, OPEN, by_organisers=False), [*OWNERS, "operator"]),
    "may_step between draft and review": (
        lambda a: permissions.may_step(a, OPEN, by_organisers=True), [*ORGANISERS, "operator"],
    ),
    "may_take_part in what is over": (lambda a: permissions.may_take_part(a, OVER), []),
    "may_see_challenge that is over": (lambda a: permissions.may_see_challenge(a, OVER), list(WHO)),
    "may_step_down": (
        lambda a: permissions.may_step_down(a, "owner"), ["owner", "owner's token to organise"],
    ),
    "may_change_role_of": (
        lambda a: permissions.may_name_roles(a, OPEN)
        and permissions.may_change_role_of(a, "owner"),
        ["staff", "operator"],
    ),
    "may_see_people": (permissions.may_see_people, ["staff", "operator"]),
    "may_block": (lambda a: permissions.may_block(a, "person"), ["staff"]),
}  # fmt: skip
PARTS = {"may_use"}
"""What the others are made of."""


def test_every_predicate_is_asked_for_every_kind_of_actor() -> None:
    functions = {
        name
        for name, value in inspect.getmembers(permissions, inspect.isfunction)
        if name.startswith("may_")
    }

    assert functions - PARTS == {name.partition(" ")[0] for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_exactly_these_may(name: str) -> None:
    question, expected = CASES[name]

    yes = [who for who, actor in WHO.items() if question(actor)]

    assert sorted(yes) == sorted(expected)


def test_staff_do_not_block_themselves() -> None:
    assert not permissions.may_block(WHO["staff"], "staff")
