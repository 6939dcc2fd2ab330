"""How the suites hang together: what they share is in modules that hold no tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
FOLDERS = ("tests", "tools", "examples")


def imports(source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each import, and the words of the path of each thing that it names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name.split(".")) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = (node.module or "").split(".")
            yield from ((node.lineno, [*package, name.name]) for name in node.names)


def modules_of_tests(source: str) -> list[int]:
    """Return the lines in which a module of tests or a conftest is imported, or something of one."""
    return [
        line
        for line, words in imports(source)
        if any(word == "conftest" or word.startswith("test_") for word in words)
    ]


def suites(source: str) -> list[int]:
    """Return the lines in which something of the tests is imported that is not shared."""
    return [
        line for line, words in imports(source) if words[0] == "tests" and words[1:2] != ["support"]
    ]


def words(source: str) -> list[str]:
    return re.findall(r"\w+", source)


def places(folder: str, wrong) -> list[str]:
    return [
        f"{path.relative_to(TREE)}:{line}"
        for path in sorted((TREE / folder).rglob("*.py"))
        for line in wrong(path.read_text("utf-8"))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_of_tests_is_imported(folder):
    assert places(folder, modules_of_tests) == []


def test_what_suites_share_knows_no_suite():
    assert places("tests/support", suites) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tests.unit.conftest import thing",
        "from tests.unit import conftest",
        "from tests.unit.test_thing import thing",
        "import tests.unit.test_thing as thing",
        "from . import test_thing",
        "from .conftest import thing",
        "def late():\n    from tests.unit.test_thing import thing",
    ],
)
def test_each_way_to_import_one_is_seen(source):
    assert modules_of_tests(source) == [source.count("\n") + 1]
    assert modules_of_tests("from tests.support import required, factories") == []


def test_a_suite_is_told_from_what_is_shared():
    assert suites("from tests.support.required import required\nfrom tests.fuzz import seeds") == [
        2
    ]


def test_what_watches_the_whole_process_is_slow():
    """An audit hook stays in its process, makes it slower, and lets threads fail that are measured for coverage."""
    watching = [
        path
        for path in sorted((TREE / "tests/integration").rglob("*.py"))
        if {"watched_files", "addaudithook"} & set(words(path.read_text("utf-8")))
    ]

    assert watching
    assert [path for path in watching if "pytest.mark.slow" not in path.read_text("utf-8")] == []
