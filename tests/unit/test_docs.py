"""The documents are true: links lead somewhere, commands exist, made pages are current."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest

from portal.cli import main
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import AttemptState, EvaluationState, ImageState
from site_config.bundle import load_challenge
from site_config.site_loader import load_site
from tools.docs import pages as docs

ROOT = Path(__file__).resolve().parents[2]

FOREIGN = {
    "a path of one machine": r"(?<![\w.-])/(?:root|work|home/\w+|Users/\w+|opt/pyp\w*)/",
    "a registry or mirror": (
        r"\b(?:pypi|files|registry|mirrors?|artifactory|nexus|devpi|harbor)(?:-[\w-]+)?"
        r"\.(?!example\b)[\w.-]+\.(?:com|net|org|io|internal|local|lan)\b"
    ),
    "a package index on a disk": r"file://\S*(?:simple|wheel)",
    "an address of a private network": (
        r"(?<![\d.])(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?![\d.])"
    ),
}
MAX_LINE_CHARS = 120
NOT_WRAPPED = {"docs/reference/faults.md", "docs/security/attacks.md"}
ALLOWED = {
    # Root's home is the same everywhere, and this test is about whoever cannot enter it.
    "tests/practice/site/test_ordinary_user.py": "/root/",
}


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    answer = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def markdown() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(text: str) -> str:
    """Leave out fenced code, in which a bracket is no link and a hash no heading."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the anchors that forges give to headings."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    without_code = re.sub(r"`[^`\n]*`", "", prose(text))
    return re.findall(r"\]\(([^)\s]+)\)", without_code)


def broken(page: Path) -> Iterator[str]:
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"{shown(page)}: {link}"
        elif anchor and anchor not in anchors(target.read_text("utf-8")):
            yield f"{shown(page)}: {link} has no such heading"


def test_every_relative_link_leads_somewhere():
    assert [problem for page in markdown() for problem in broken(page)] == []


def test_the_readers_of_links_and_headings_see_what_is_there():
    text = "# A `b`, c!\n\n[x](y.md#a-b-c) `[no](z.md)`\n\n```\n# not\n[no](z.md)\n```\n"

    assert (links(text), anchors(text)) == (["y.md#a-b-c"], {"a-b-c"})


def too_long(text: str) -> list[str]:
    """Return the lines that are longer than they may be, but for tables and what has no blank to break it at."""
    return [
        line
        for line in prose(text).splitlines()
        if len(line) > MAX_LINE_CHARS
        and not line.lstrip().startswith("|")
        and " " in re.sub(r"`[^`]*`", "", line).strip()
    ]


def test_lines_of_prose_have_120_characters_at_most():
    made = {shown(page) for page in docs.PAGES}
    pages = [page for page in markdown() if shown(page) not in made | NOT_WRAPPED]

    assert [(shown(page), one) for page in pages for one in too_long(page.read_text("utf-8"))] == []


def test_a_line_too_long_is_seen_and_one_that_cannot_be_broken_is_not():
    long = "word " * 25
    address = "x" * 130

    assert too_long(f"{long}\n| {long} |\n{address}\n\n```\n{long}\n```\n") == [long]


def code_spans(text: str) -> list[str]:
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", prose(text))


def unknown_words(command: click.Command, words: list[str]) -> str | None:
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            return None
        found = command.get_command(click.Context(command), word)
        if found is None:
            return word
        command = found
    return None


def sealrun_calls(text: str) -> Iterator[list[str]]:
    for span in code_spans(text):
        match = re.match(r"(?:\S+/bin/)?sealrun ((?:[a-z-]+ ?)+)", span)
        # A name in a sentence of settings, such as `client_id: sealrun`, does not start a span.
        if match:
            yield match[1].split()


def test_every_sealrun_command_in_the_documents_exists():
    unknown = [
        f"{shown(page)}: sealrun {' '.join(words)}"
        for page in markdown()
        for words in sealrun_calls(page.read_text("utf-8"))
        if unknown_words(main, words)
    ]

    assert unknown == []


def make_targets() -> dict[str, bool]:
    """Return the targets of the Makefile; True for those with a line of help."""
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    found = (re.match(r"([a-z][a-z-]*):(?!=)(.*)", line) for line in lines)
    return {match[1]: "##" in match[2] for match in found if match}


def test_every_make_target_in_the_documents_exists():
    targets = make_targets()
    unknown = [
        f"{shown(page)}: make {match[1]}"
        for page in markdown()
        for span in code_spans(page.read_text("utf-8"))
        if (match := re.match(r"make ([a-z][a-z-]*)", span)) and match[1] not in targets
    ]

    assert unknown == []


def test_every_make_target_with_help_is_explained():
    text = "".join((ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))

    explained = {name for name, has_help in make_targets().items() if has_help}

    assert {name for name in explained if f"`make {name}`" not in text} == set()


@pytest.mark.parametrize("page", docs.PAGES, ids=lambda path: path.name)
def test_made_pages_are_current(page: Path):
    assert page.read_text("utf-8") == docs.PAGES[page](), "run: python -m tools.docs"


def test_the_table_of_failures_is_on_one_page_only():
    heads = [shown(page) for page in markdown() if "| `bad_archive` |" in page.read_text("utf-8")]

    assert heads == ["docs/reference/states.md"]
    assert list(docs.REMEDIES) == list(FailureReason)


def test_every_state_has_a_meaning():
    assert list(docs.EVALUATIONS) == list(EvaluationState)
    assert list(docs.ATTEMPTS) == list(AttemptState)
    assert list(docs.IMAGES) == list(ImageState)


def foreign(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    if b"\0" in data:
        return
    text = data.decode("utf-8").replace(ALLOWED.get(shown(path), "\0"), "")
    for meaning, pattern in FOREIGN.items():
        for match in re.finditer(pattern, text):
            yield f"{shown(path)}: {meaning}: {match[0]}"


def test_no_file_names_a_machine_or_a_mirror():
    own = Path(__file__).resolve()

    assert [one for path in tracked() if path != own for one in foreign(path)] == []


def yaml_block(page: str, first_line: str) -> str:
    text = (ROOT / page).read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if block.startswith(first_line))


def test_the_settings_in_the_instructions_are_accepted(tmp_path: Path):
    file = tmp_path / "site.yaml"
    file.write_text(yaml_block("docs/how-to/install-a-site.md", "site:\n"), "utf-8")

    assert load_site(file).clusters["main"].storage == Path("/shared/sealrun")


def test_a_site_is_installed_in_numbered_steps_of_900_words():
    text = (ROOT / "docs/how-to/install-a-site.md").read_text("utf-8")
    steps = [int(number) for number in re.findall(r"^## (\d+)\. ", text, flags=re.MULTILINE)]

    assert steps == list(range(1, len(re.findall(r"^## ", text, flags=re.MULTILINE)) + 1))
    assert len(text.split()) <= 900


def test_the_challenge_in_the_tutorial_is_accepted(tmp_path: Path):
    written = yaml_block("docs/tutorial/first-challenge.md", "schema: 1\n")
    (tmp_path / "challenge.yaml").write_text(written, "utf-8")
    for name in ("overview.md", "scorer.tar", "base.tar"):
        (tmp_path / name).touch()

    assert load_challenge(tmp_path).slug == "sums"


def test_the_changelog_begins_with_what_is_unreleased():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    sections = re.findall(r"^## \[?([^\]\s]+)", text, flags=re.MULTILINE)

    assert sections[0] == "Unreleased"
    assert sections[1:2] in ([], [version])
    assert all(newer > older for newer, older in pairwise(map(_number, sections[1:])))


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
