"""Limits belong to the team and follow a member nowhere; the page for submitting says the same."""

import pytest

from portal.domain.errors import QuotaExceededError
from portal.services.submissions import form as submit_form
from portal.services.teams import membership, mergers
from tests.support import factories
from tests.support.factories import NOW
from tests.support.scenes.participants import Scene, ask


def _used(scene: Scene, *names: str) -> list[int]:
    """Return what the page for submitting says has been used today, for each of them."""
    found = []
    for name in names:
        with scene.database.reading() as session:
            form = submit_form.submit_form(
                session,
                actor=scene.actor(name),
                slug="digits",
                resources=factories.resources(),
                now=NOW,
            )
        [choice] = form.choices
        used = choice.limits.total - choice.room.total
        assert choice.limits.per_day - choice.room.today == used == scene.left(name)
        found.append(used)
    return found


def _limit(scene: Scene, per_day: int) -> None:
    with scene.database.writing() as session:
        session.merge(scene.digits.dev).per_day = per_day


def test_whoever_joins_a_team_has_what_it_has_left(scene: Scene) -> None:
    _limit(scene, 2)
    scene.submit("Ada")
    before = _used(scene, "Ada", "Grace")

    scene.invite("Ada", "Grace")
    scene.submit("Grace")

    assert before == [1, 0]
    assert _used(scene, "Ada", "Grace") == [2, 2]
    with pytest.raises(QuotaExceededError):
        scene.submit("Ada", "one more")


def test_whoever_leaves_takes_nothing_along_and_begins_anew(scene: Scene) -> None:
    _limit(scene, 2)
    scene.submit("Ada")
    scene.invite("Ada", "Grace")
    scene.submit("Grace")

    scene.do(membership.leave, "Grace", slug="digits")
    left = _used(scene, "Ada", "Grace")
    scene.submit("Grace", "alone")

    assert left == [2, 0]
    assert _used(scene, "Ada", "Grace") == [2, 1]
    with pytest.raises(QuotaExceededError):
        scene.submit("Ada", "one more")


def test_whoever_goes_on_to_another_team_counts_there(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    scene.submit("Eve", "more of Eve")
    scene.invite("Ada", "Grace")
    scene.submit("Grace")

    scene.do(membership.leave, "Grace", slug="digits")
    scene.invite("Eve", "Grace")

    assert _used(scene, "Ada", "Eve", "Grace") == [2, 2, 2]
    scene.submit("Grace", "for the other team")
    assert _used(scene, "Ada", "Eve", "Grace") == [2, 3, 3]


def test_a_merged_team_has_used_what_both_have(scene: Scene) -> None:
    _limit(scene, 3)
    scene.submit("Ada")
    scene.submit("Eve")

    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    assert _used(scene, "Ada", "Eve") == [2, 2]
    scene.submit("Ada", "the third")
    with pytest.raises(QuotaExceededError):
        scene.submit("Eve", "the fourth")


def test_whoever_leaves_a_merged_team_leaves_what_they_brought(scene: Scene) -> None:
    scene.submit("Ada")
    scene.submit("Eve")
    scene.do(mergers.accept, "Eve", slug="digits", request_id=ask(scene, "Ada", "Eve"))

    scene.do(membership.leave, "Ada", slug="digits")

    assert _used(scene, "Ada", "Eve") == [0, 2]
