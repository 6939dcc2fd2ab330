"""Whatever stands at whichever place of a challenge or a site: it is taken, or refused with its line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from site_config.bundle import load_challenge
from site_config.errors import SettingsError
from site_config.site_loader import load_site
from tests.unit.site_config.good_files import CHALLENGE, SITE

Place = tuple[str | int, ...]
Read = TypeVar("Read")

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "..", "/etc/passwd", "../x", "1h", "2G", "=1+1", "${HOME}", "\u202e", "a" * 5000]
    )
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(value: object, here: Place = ()) -> Iterator[Place]:
    yield here
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in inner:
        yield from _places(one, (*here, key))


def _with(document: Any, place: Place, value: object) -> Any:
    if not place:
        return value
    key, *rest = place
    changed = dict(document) if isinstance(document, dict) else list(document)
    changed[key] = _with(document[key], tuple(rest), value)
    return changed


def _changed(text: str) -> st.SearchStrategy[object]:
    """Return documents that are right, but for what stands at one or two places."""
    document = yaml.safe_load(text)
    places = list(_places(document))

    def replaced(changes: list[tuple[Place, object]]) -> object:
        now = document
        for place, value in changes:
            # What an earlier change has replaced may have no such place any more.
            if place in set(_places(now)):
                now = _with(now, place, value)
        return now

    return st.lists(st.tuples(st.sampled_from(places), ANYTHING), min_size=1, max_size=2).map(
        replaced
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any")
    (folder / "sample").mkdir()
    for name in ("overview.md", "terms.md", "scorer.tar", "base.tar"):
        (folder / name).write_text("text")
    return folder


def _read(load: Callable[[], Read]) -> tuple[Read | None, list[str]]:
    try:
        return load(), []
    except SettingsError as refused:
        return None, [str(problem) for problem in refused.problems]


@settings(max_examples=150, deadline=None)
@given(document=_changed(CHALLENGE))
def test_any_challenge_is_taken_or_refused_with_its_line(bundle: Path, document: object) -> None:
    file = bundle / "challenge.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    challenge, problems = _read(lambda: load_challenge(bundle))

    assert all(problem.startswith(f"{file}") for problem in problems)
    if challenge is None:
        assert problems
    else:
        inside = [page.file for page in challenge.pages] + [
            task.scorer.image for task in challenge.tasks.values()
        ]
        assert all((bundle / name).resolve().is_relative_to(bundle.resolve()) for name in inside)


@settings(max_examples=150, deadline=None)
@given(document=_changed(SITE))
def test_any_site_is_taken_or_refused_with_its_line(bundle: Path, document: object) -> None:
    file = bundle / "site.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    site, problems = _read(lambda: load_site(file))

    assert all(problem.startswith(f"{file}") for problem in problems)
    if site is None:
        assert problems
    else:
        assert set(site.clusters) >= {profile.cluster for profile in site.profiles.values()}
