"""Every action has a sentence, and every name in it a place."""

from string import Formatter

import pytest

from portal.domain.accounts.people import ActorKind
from portal.domain.audit import GROUPS, Action, Group
from portal.services.audit.views import EntryFacts, Thing
from portal.web.rendering.audit_sentences import MESSAGES, Part, message, rest
from tests.support.factories import NOW

ADA = Thing(kind="person", id="ada", name="Ada Vlasák")
DIGITS = Thing(kind="challenge", id="digits", name="Read the digits")


def _entry(action: Action = Action.ROLE_GIVEN, **more: object) -> EntryFacts:
    values = {
        "number": 1, "at": NOW, "actor_kind": ActorKind.BROWSER, "actor": ADA, "action": action,
        "subject": Thing(kind="person", id="eve", name="Eve"), "challenge": DIGITS, "detail": {},
        "origin": "192.0.2.7",
    } | more  # fmt: skip
    return EntryFacts(**values)  # type: ignore[arg-type]


def _text(entry: EntryFacts) -> str:
    return "".join(part.text for part in message(entry))


def test_every_action_has_a_sentence_that_begins_with_who() -> None:
    assert set(MESSAGES) == set(Action)
    assert [each for each in MESSAGES.values() if not each.startswith("{who} ")] == []
    assert len(set(MESSAGES.values())) == len(MESSAGES)


def test_sentences_name_what_entries_have() -> None:
    named = {name for each in MESSAGES.values() for _, name, _, _ in Formatter().parse(each)}

    assert named == {"who", "subject", "challenge", "role", None}


def test_every_action_is_in_one_group() -> None:
    assert set(GROUPS) == set(Group)
    assert sorted(action for group in GROUPS.values() for action in group) == sorted(Action)


@pytest.mark.parametrize("action", Action)
def test_every_sentence_can_be_said(action: Action) -> None:
    whole = _entry(action, detail={"role": "owner"})
    bare = _entry(action, actor=None, challenge=None, subject=Thing(kind="thing", id="x"))

    assert _text(whole).startswith("Ada Vlasák ")
    assert _text(bare).startswith("Somebody ")
    assert "{" not in _text(whole) + _text(bare)


def test_names_are_links_and_the_rest_is_text() -> None:
    entry = _entry(detail={"role": "organiser", "before": None, "many": ["a", "b"], "sure": True})

    assert message(entry) == (
        Part("Ada Vlasák", "/staff/people/ada"), Part(" gave "), Part("Eve", "/staff/people/eve"),
        Part(" the role "), Part("co-organiser"), Part(" in "),
        Part("Read the digits", "/challenges/digits"),
    )  # fmt: skip
    assert rest(entry) == (("many", "a, b"), ("sure", "yes"))


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        (ActorKind.OPERATOR, "An operator"),
        (ActorKind.VISITOR, "Somebody"),
        (ActorKind.BROWSER, "Somebody"),
    ],
)
def test_who_has_no_person_is_told_by_their_way_in(kind: ActorKind, who: str) -> None:
    entry = _entry(Action.LOGGED_OUT, actor=None, actor_kind=kind)

    assert _text(entry) == f"{who} logged out"


def test_a_token_is_told_beside_its_owner() -> None:
    entry = _entry(Action.LOGGED_OUT, actor_kind=ActorKind.TOKEN)

    assert _text(entry) == "Ada Vlasák (with a token) logged out"


def test_a_person_whom_nobody_knows_any_more_is_a_number() -> None:
    entry = _entry(Action.LOGGED_OUT, actor=Thing(kind="person", id="0123"))

    assert _text(entry) == "0123 logged out"
