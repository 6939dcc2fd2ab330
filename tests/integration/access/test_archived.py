"""An archive rests: whatever the table of access lets somebody do to a challenge is refused in an archived one.

The table is that of docs/reference/access.md, so that a new address is asked here as well.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import bootstrap
from portal.db.engine import Database, open_database
from portal.db.tables import (
    AuditEntry,
    Base,
    Challenge,
    ChallengeRevision,
    Circular,
    Decision,
    Evaluation,
    Invitation,
    LogRelease,
    Membership,
    MergeRequest,
    Organiser,
    Participation,
    Question,
    RoleInvitation,
    Submission,
    Team,
    Trouble,
    Weights,
)
from portal.domain.attention.decisions import Choice
from portal.domain.challenges.life import ChallengeState
from portal.domain.errors import NotAllowedError
from portal.services.attention import decisions
from portal.services.challenges import life
from portal.services.challenges.access import RESTS
from portal.services.evaluations import reruns
from tests.integration.access import table
from tests.integration.access.asking import asked, called
from tests.integration.access.scene import PEOPLE, TOKENS, Place, Scene, make_scene, new_place
from tests.integration.access.table import Key
from tests.support.factories import NOW
from tests.support.worker.world import World

PAGES = {
    key: dict(zip(PEOPLE, answers, strict=True))
    for key, answers in table.read("Pages", [*PEOPLE]).items()
}
CALLS = {
    key: dict(zip(TOKENS, answers, strict=True))
    for key, answers in table.read("The API", [*TOKENS]).items()
}
OF_A_CHALLENGE = (
    "/challenges/{slug}",
    "/submissions/{id}",
    "/attention/{id}",
    "/invitation",
    "/role-invitation",
)
STEPS = {("POST", "/challenges/{slug}/state"), ("POST", "/api/v1/challenges/{slug}/state")}
"""The one way out."""
WORKING = {
    "participants",
    "q-and-a",
    "mail",
    "log",
    "attention",
    "roles",
    "revisions",
    "resources",
    "leaks",
    "retention",
    "state",
}
"""Pages for those who work for it."""
ROWS: list[type[Base]] = [
    AuditEntry, Challenge, ChallengeRevision, Circular, Decision, Evaluation, Invitation, LogRelease, Membership, MergeRequest, Organiser,
    Participation, Question, RoleInvitation, Submission, Team, Weights,
]  # fmt: skip


def _commands(keys: dict[Key, Any]) -> list[Key]:
    return [
        key
        for key in keys
        if key[0] == "POST" and key[1].removeprefix("/api/v1").startswith(OF_A_CHALLENGE)
    ]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = make_scene(tmp_path_factory.mktemp("scene") / "site")
    database = open_database(f"sqlite:///{scene.database}")
    with database.writing() as session:
        session.execute(update(Challenge).values(state=ChallengeState.ARCHIVED))
    database.engine.dispose()
    return scene


def _everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of what a challenge is made of."""
    with database.reading() as session:
        found = {row.__tablename__: _rows(session, row) for row in ROWS}
    database.engine.dispose()
    return found


def _rows(session: Session, row: type[Base]) -> list[tuple[Any, ...]]:
    return sorted((tuple(one) for one in session.execute(select(row.__table__))), key=repr)


def _state(database: Database) -> ChallengeState:
    with database.reading() as session:
        found = session.scalars(select(Challenge.state)).one()
    database.engine.dispose()
    return found


def _untouched(scene: Scene, directory: Path) -> dict[str, list[tuple[Any, ...]]]:
    new_place(directory, scene).context.database.engine.dispose()
    return _everything(scene.copy)


@pytest.mark.parametrize("key", _commands(PAGES), ids=" ".join)
def test_whoever_could_do_it_is_refused_and_nothing_changes(
    key: Key, archived: Scene, tmp_path: Path
) -> None:
    before = _untouched(archived, tmp_path / "before")

    for who in (one for one in PEOPLE if PAGES[key][one] == "yes"):
        answer = asked(key, who, archived, tmp_path / who)
        if key in STEPS:
            assert (answer, _state(archived.copy)) == ("yes", ChallengeState.CLOSED)
            continue
        assert answer == "403", who
        assert _everything(archived.copy) == before, who


@pytest.mark.parametrize("key", _commands(CALLS), ids=" ".join)
def test_no_program_changes_it_either(key: Key, archived: Scene, tmp_path: Path) -> None:
    before = _untouched(archived, tmp_path / "before")

    for token in (one for one in TOKENS if CALLS[key][one] == "yes"):
        answer = called(key, token, archived, tmp_path / token)
        assert answer == "403", token
        assert _everything(archived.copy) == before, token


def test_the_commands_are_those_of_the_table() -> None:
    assert len(_commands(PAGES)) > 20
    assert len(_commands(CALLS)) > 4


@pytest.fixture
def place(archived: Scene, tmp_path: Path) -> Iterator[Place]:
    place = new_place(tmp_path / "place", archived)
    yield place
    place.context.database.engine.dispose()


@pytest.mark.parametrize("who", ["owner", "team", "staff"])
def test_the_pages_are_there_and_offer_nothing_but_the_step_back(
    who: str, archived: Scene, place: Place
) -> None:
    browser = place.browser(archived.people[who])
    root, submission = "/challenges/digits", f"/submissions/{archived.ids['waiting']}"
    shown = {"team", "weights"} if who == "team" else WORKING
    pages = [browser.get(f"{root}/{name}") for name in shown | {"submissions"}]
    pages += [browser.get(submission), browser.get(f"/submissions/{archived.ids['submission']}")]

    # What is looked for is asked by GET.
    sent = re.compile(r'(?<!method="get" )action="(/[^"]*)"')
    forms = {form for page in pages for form in sent.findall(page.text)}

    assert {page.status_code for page in pages} == {200}
    assert forms - {"/logout"} == (set() if who == "team" else {f"{root}/state"})
    assert not any(f'href="{submission}/cancel"' in page.text for page in pages)
    assert all(RESTS not in page.text for page in pages)


def test_a_log_is_not_offered_for_release(archived: Scene, place: Place) -> None:
    browser = place.browser(archived.people["owner"])
    submission = f"/submissions/{archived.ids['submission']}"

    inside = browser.get(f"{submission}/sealed").text
    asked_for = browser.get(f"{submission}/logs/{archived.ids['attempt']}/release")

    assert "what it wrote" in inside
    assert "/release" not in inside
    assert (asked_for.status_code, RESTS in asked_for.text) == (403, True)


def _archive(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Challenge).values(state=ChallengeState.ARCHIVED))


def test_commands_on_the_machine_are_refused_with_the_sentence(
    world: World, tmp_path: Path
) -> None:
    submission = world.submit()
    world.run_until_final(submission)
    _archive(world)
    before = _everything(world.database)
    operator = bootstrap.operator()

    with (
        pytest.raises(NotAllowedError, match="archived"),
        world.database.writing() as session,
    ):
        reruns.ask(session, actor=operator, wanted=submission, now=world.clock())
    with pytest.raises(NotAllowedError, match="archived"):
        bootstrap.add_challenge(world.site, tmp_path / "challenge")

    assert _everything(world.database) == before


def test_an_operator_decides_about_nothing_of_an_archive(archived: Scene, place: Place) -> None:
    database = place.context.database

    with pytest.raises(NotAllowedError, match="archived"), database.writing() as session:
        decisions.resolve_now(
            session, actor=bootstrap.operator(), wanted=archived.ids["attention"], choice=Choice.RETRY,
            alike=False, now=NOW,
        )  # fmt: skip

    with database.reading() as session:
        assert session.get(Trouble, archived.ids["attention"]) is not None


def test_an_operator_takes_it_back_to_closed_and_then_no_further_is_refused(
    world: World, tmp_path: Path
) -> None:
    _archive(world)
    with world.database.writing() as session:
        slug = session.scalars(select(Challenge.slug)).one()
        life.step(
            session, actor=bootstrap.operator(), slug=slug, to=ChallengeState.CLOSED, now=world.clock()
        )  # fmt: skip

    assert bootstrap.add_challenge(world.site, tmp_path / "challenge").changes == ()


def test_what_is_about_people_stays(archived: Scene, tmp_path: Path) -> None:
    assert asked(("POST", "/account/delete"), "team", archived, tmp_path / "place") == "yes"
