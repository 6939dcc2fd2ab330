"""A challenge as pages that need no portal: whole, readable from a disk, and without what is private or hidden."""

import csv
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from rocrate.rocrate import ROCrate
from sqlalchemy import select

from portal.db.engine import Database
from portal.db.tables import (
    AuditEntry,
    Board,
    Challenge,
    DryRun,
    DryRunTrial,
    Evaluation,
    Page,
    Phase,
    Submission,
)
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.evaluations.states import EvaluationState
from portal.domain.permissions import Audience
from tests.integration.commands import Run, run, site_database, site_file
from tests.support import offered_files
from tests.support.factories import NOW
from tests.support.scenes.site import add_scene

__all__ = ["run", "site_database", "site_file"]

TEXT = """# Links

[first](/challenges/digits), [board](/challenges/digits/leaderboard#main),
[whole](http://127.0.0.1:8000/challenges/digits/terms), [nowhere](/challenges/other),
[mine](/challenges/digits/submissions), [other](/challenges/digits/leaderboard?phase=warm-up), [away](https://elsewhere.example/a?b=c&d), [here](#links)

![A grey square](images/digits.png)
"""


@pytest.fixture
def filled(site_file: Path, site_database: Database) -> Database:
    """Return a database with a challenge in the middle of its life, and boards for its organisers only."""
    settings = yaml.safe_load(site_file.read_text())
    offered_files.keep(Path(settings["clusters"]["main"]["storage"], "blobs"))
    with site_database.writing() as session:
        scene = add_scene(session)
        page = session.scalars(select(Page).where(Page.slug == "evaluation")).first()
        assert page is not None
        page.markdown = TEXT
        organisers, hidden = (
            Phase(
                id=f"phase-{audience}", challenge_id=scene.digits.challenge.id, slug=f"only-{audience}",
                title=f"Only {audience}", position=8, starts_at=NOW, ends_at=NOW, kinds=["results"],
                leaderboard=audience, feedback="none", logs="sealed",
            )
            for audience in (Audience.ORGANISERS, Audience.HIDDEN)
        )  # fmt: skip
        session.add_all([organisers, hidden])
        session.add_all(
            Board(
                id=f"board-{phase.leaderboard}", challenge_id=scene.digits.challenge.id, slug=phase.slug,
                title=phase.title, position=8, phases=[phase.slug],
            )
            for phase in (organisers, hidden)
        )  # fmt: skip
    return site_database


@pytest.fixture
def archived(run: Run, filled: Database, tmp_path: Path) -> Path:
    target = tmp_path / "archive"
    done = run("challenge", "archive", "digits", str(target))
    assert done.exit_code == 0, done.output
    return target


class _Parsed(HTMLParser):
    """What a page refers to, and what it must not have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"href", "src"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def _pages(folder: Path) -> dict[str, _Parsed]:
    return {file.name: _Parsed(file.read_text("utf-8")) for file in folder.glob("*.html")}


def _everything(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".png":
            yield file.read_text("utf-8")


def test_every_link_leads_to_a_file_beside_it_or_away(archived: Path) -> None:
    pages = _pages(archived)

    for name, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme in {"https", "mailto"}:
                continue
            assert not address.scheme, (name, link)
            assert not address.path.startswith("/"), (name, link)
            target = archived / unquote(address.path) if address.path else archived / name
            assert target.is_file(), (name, link)
            if address.fragment and address.path:
                assert address.fragment in pages[target.name].ids, (name, link)
    assert {"index.html", "page-2.html", "terms.html", "news.html"} <= set(pages)
    # What still runs of it is nobody's business yet.
    assert "dry-run.html" not in pages


def test_pages_have_no_script_and_no_style_of_their_own(archived: Path) -> None:
    for name, page in _pages(archived).items():
        assert not {"script", "style", "iframe", "form"} & set(page.tags), name
        assert not [one for one in page.attributes if one.startswith("on") or one == "style"], name
        assert page.tags.count("h1") == 1, name
        assert len(set(page.ids)) == len(page.ids), name
    assert "default-src 'none'" in (archived / "index.html").read_text()


def test_links_of_texts_stay_within_it_or_are_taken_off(archived: Path) -> None:
    page = (archived / "page-2.html").read_text().replace(' rel="noopener noreferrer"', "")

    assert '<a href="index.html">first</a>' in page
    assert '<a href="board-dev.html#main">board</a>' in page
    assert '<a href="terms.html">whole</a>' in page
    assert '<a href="board-warm-up.html">other</a>' in page
    assert "<a>nowhere</a>" in page
    assert "<a>mine</a>" in page
    assert 'href="https://elsewhere.example/a?b=c&amp;d"' in page
    assert 'href="#links"' in page


def test_pictures_that_everybody_sees_are_in_it(archived: Path) -> None:
    assert (
        '<img src="pictures/images/digits.png" alt="A grey square"'
        in (archived / "page-2.html").read_text()
    )
    assert {file.relative_to(archived) for file in archived.rglob("*.png")} == {
        Path("pictures", offered_files.PICTURE)
    }
    assert (archived / "pictures" / offered_files.PICTURE).read_bytes() == offered_files.png(90)


def test_boards_have_all_ranks_and_public_columns_only(archived: Path, filled: Database) -> None:
    with (archived / "board-dev.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]

    assert [*rows[0]] == ["rank", "team", "accuracy", "macro_f1", "brier", "submitted_at"]
    assert len(rows) == 20
    html = (archived / "board-dev.html").read_text()
    assert all(row["team"] in html for row in rows)
    assert {file.name for file in archived.glob("board-*.csv")} == {
        f"board-{phase}.csv" for phase in _public_phases(filled)
    }


def _public_phases(database: Database) -> set[str]:
    with database.reading() as session:
        rows = session.scalars(
            select(Phase)
            .join(Challenge)
            .where(Challenge.slug == "digits", Phase.leaderboard == Audience.PUBLIC)
        ).all()
    return {row.slug for row in rows}


def test_nothing_private_or_hidden_is_in_it(archived: Path, filled: Database) -> None:
    with filled.reading() as session:
        submissions = [*session.scalars(select(Submission.id))]
        # One has the name of the file that a page asks for.
        files = {*session.scalars(select(Submission.filename))} - {"predictions.csv"}

    for text in _everything(archived):
        lowered = text.lower()
        assert "hold-out" not in lowered
        assert "holdout" not in lowered
        assert "A mistake" not in text
        assert "public labels of the test" not in text
        assert not [one for one in submissions if one in text]
        assert not [one for one in files if one and one in text]
        assert "only-hidden" not in text
        assert "Leaderboard of Only" not in text


def test_no_page_needs_the_portal(archived: Path) -> None:
    for file in archived.glob("*.html"):
        assert "127.0.0.1" not in file.read_text("utf-8")


def test_after_the_reveal_private_columns_are_in_it(
    run: Run, filled: Database, tmp_path: Path
) -> None:
    with filled.writing() as session:
        session.scalars(
            select(Challenge).where(Challenge.slug == "digits")
        ).one().reveal_at = NOW.replace(year=2020)

    assert run("challenge", "archive", "digits", str(tmp_path / "later")).exit_code == 0

    assert "holdout" in (tmp_path / "later" / "board-dev.csv").read_text().partition("\n")[0]
    assert "Hold-out" in (tmp_path / "later" / "board-dev.html").read_text()


def test_the_outcome_of_the_dry_run_names_cheats_and_no_more(
    run: Run, filled: Database, tmp_path: Path
) -> None:
    assert not (tmp_path / "nothing").exists()
    with filled.writing() as session:
        for evaluation in session.scalars(
            select(Evaluation).join(
                DryRunTrial, DryRunTrial.submission_id == Evaluation.submission_id
            )
        ):
            if not evaluation.state.is_final:
                evaluation.state = EvaluationState.CANCELLED
        for trial in session.scalars(select(DryRunTrial)):
            trial.name = f"named {trial.role}"
        session.scalars(select(DryRun)).one().reason = "they know why"

    assert run("challenge", "archive", "digits", str(tmp_path / "archive")).exit_code == 0

    page = (tmp_path / "archive/dry-run.html").read_text()
    assert "1 baseline and" in " ".join(page.split())
    assert "named attack" in page
    assert "which the organisers accepted" in page
    for word in ("named baseline", "named sample", "they know why", "0.969", "time_limit"):
        assert word not in page


def test_a_crate_describes_what_is_there(archived: Path) -> None:
    crate = ROCrate(archived / "crate")

    assert crate.name == "Results of Read the digits"
    assert crate.get_by_type("CreateAction") == []
    metadata = json.loads((archived / "crate/ro-crate-metadata.json").read_text())
    named = {one["@id"] for one in metadata["@graph"]}
    assert {"pages/page-1.md", "leaderboards/dev.csv"} <= named
    assert "cff-version" in (archived / "CITATION.cff").read_text()
    assert (archived / "citation.bib").read_text().startswith("@misc{digits-")


def test_it_is_written_whole_and_replaces_nothing(
    run: Run, filled: Database, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with filled.writing() as session:
        session.scalars(
            select(Challenge).where(Challenge.slug == "cell-count")
        ).one().state = ChallengeState.DRAFT

    before = sorted(tmp_path.iterdir())
    refused = [
        run("challenge", "archive", slug, str(tmp_path / name))
        for slug, name in (
            ("digits", "mine"), ("digits", "link"), ("digits", "no/where"), ("nothing", "new"), ("cell-count", "new"),
        )
    ]  # fmt: skip

    assert [done.exit_code for done in refused] == [1] * 5
    assert "is there already, and is not replaced" in refused[0].output
    assert "there is no directory" in refused[2].output
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "mine/file").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_it_is_written_down(archived: Path, filled: Database) -> None:
    assert archived.is_dir()
    with filled.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.EVIDENCE_EXPORTED)
        ).all()

    assert [entry.detail for entry in found] == [{"form": "pages"}]
