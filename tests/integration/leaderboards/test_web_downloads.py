"""Leaderboards as files: what the page shows, to whom it shows it, and nothing that a spreadsheet would run."""

import csv
import io
import json

import pytest
import yaml
from sqlalchemy import insert, select

from portal.db.tables import Challenge, Phase, Standing, Team
from portal.domain.permissions import Audience
from portal.web.pages.leaderboards import downloads
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
BOARD = f"{ROOT}/leaderboard"
PRIVATE = ("holdout", "Hold-out", "0.885")
FILES = [f"{BOARD}.csv", f"{BOARD}.json"]
CITATIONS = [f"{ROOT}/CITATION.cff", f"{ROOT}/citation.bib"]
FORMULAS = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=x", "'fine", 'a "quoted", name']


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_visitor_has_the_board_as_a_table_and_as_json(site: Site) -> None:
    with site.context.database.writing() as session:
        factories.add_ranked(session, site.digits, "Best", 0.99)
        row = session.scalars(select(Standing).where(Standing.rank_value == 0.912)).one()
        row.is_unranked = row.is_verified = True

    table, tree = (site.browser().get(f"{address}?phase=dev") for address in FILES)

    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="digits-dev.csv"'
    assert _rows(table.text) == [
        ["rank", "team", "accuracy", "macro_f1", "brier", "submitted_at", "verified"],
        ["1", "Best", "0.990", "0.977", "0.006", "2026-11-23T10:05Z", ""],
        ["", "Team Ada", "0.912", "0.899", "0.053", "2026-11-24T09:35Z", "yes"],
    ]
    assert tree.headers["content-disposition"] == 'attachment; filename="digits-dev.json"'
    found = tree.json()
    assert (found["challenge"], found["phase"], found["rule"]) == ("digits", "dev", "best")
    assert [column["key"] for column in found["columns"]] == ["accuracy", "macro_f1", "brier"]
    assert found["rows"][1] == {
        "rank": None,
        "team": "Team Ada",
        "scores": {"accuracy": 0.912, "macro_f1": 0.899, "brier": 0.053},
        "submitted_at": "2026-11-24T09:35Z",
        "verified": True,
    }


@pytest.mark.parametrize("name", FORMULAS)
def test_no_name_of_a_team_is_a_formula(site: Site, name: str) -> None:
    with site.context.database.writing() as session:
        session.scalars(select(Team).where(Team.name == "Team Ada")).one().name = name

    [_, row] = _rows(site.browser().get(FILES[0]).text)
    [item] = site.browser().get(FILES[1]).json()["rows"]

    assert row[1].removeprefix("'") == name.removeprefix("'")
    assert row[1][0] not in "=+-@\t\r\n"
    assert item["team"] == name


@pytest.mark.parametrize("address", FILES)
def test_what_is_private_is_in_no_file_before_the_reveal(site: Site, address: str) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).reveal_at = NOW + DAY

    before = [site.browser(who).get(address).text for who in (None, site.eve, site.ada)]
    organiser = site.browser(site.organiser).get(address).text
    site.change(clock=lambda: NOW + DAY)
    after = site.browser().get(address).text

    assert [word for text in before for word in PRIVATE if word in text] == []
    assert ("holdout" in organiser, "0.885" in organiser) == (True, True)
    assert ("holdout" in after, "0.885" in after) == (True, True)


@pytest.mark.parametrize("address", FILES)
@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (Audience.PUBLIC, [200, 200, 200, 200]),
        (Audience.PARTICIPANTS, [404, 404, 200, 200]),
        (Audience.ORGANISERS, [404, 404, 404, 200]),
        (Audience.HIDDEN, [404, 404, 404, 200]),
    ],
)
def test_a_file_is_for_the_audience_of_its_board(
    site: Site, address: str, audience: Audience, expected: list[int]
) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).leaderboard = audience

    answers = [
        site.browser(who).get(f"{address}?phase=dev")
        for who in (None, site.newcomer, site.ada, site.organiser)
    ]

    assert [answer.status_code for answer in answers] == expected
    assert ["Team Ada" in answer.text for answer in answers] == [each == 200 for each in expected]


@pytest.mark.parametrize("query", ["?phase=nothing", "?phase=final"])
def test_there_is_no_file_of_a_board_that_there_is_not(site: Site, query: str) -> None:
    assert {site.browser().get(f"{address}{query}").status_code for address in FILES} == {404}


def test_without_any_open_board_there_is_no_file(site: Site) -> None:
    with site.context.database.writing() as session:
        for phase in session.scalars(select(Phase)):
            phase.leaderboard = Audience.ORGANISERS

    assert {site.browser().get(address).status_code for address in FILES} == {404}


def test_a_long_board_comes_in_parts_with_its_ranks(site: Site) -> None:
    count = downloads.ROWS_AT_ONCE + 100
    teams = [
        {
            "id": f"team{n:016}",
            "challenge_id": site.digits.challenge.id,
            "name": f"T{n}",
            "skeleton": f"t{n}",
            "created_at": NOW,
        }
        for n in range(count)
    ]
    standings = [
        {
            "board_id": site.digits.dev.id,
            "place": 0,
            "team_id": team["id"],
            "submission_id": site.submission_id,
            "scores": {"accuracy": 0.9},
            # Two at a time have the same, and a part ends between two.
            "rank_value": 0.9 - ((n + 1) // 2) / 10_000,
            "achieved_at": NOW,
        }
        for n, team in enumerate(teams)
    ]
    with site.context.database.writing() as session:
        session.execute(insert(Team), teams)
        session.execute(insert(Standing), standings)

    rows = _rows(site.browser().get(FILES[0]).text)[1:]
    items = site.browser().get(FILES[1]).json()["rows"]

    expected = ["1", "2", *(str((n + 1) // 2 * 2 + 1) for n in range(1, count))]
    assert [row[0] for row in rows] == expected
    assert [(row[0], row[1]) for row in rows] == [(str(one["rank"]), one["team"]) for one in items]
    assert len({one["team"] for one in items}) == count + 1


def test_an_empty_board_is_a_file_without_rows(site: Site) -> None:
    table, tree = (site.browser().get(f"{address}?phase=warm-up") for address in FILES)

    assert len(_rows(table.text)) == 1
    assert tree.json()["rows"] == []


TITLE = 'Cells: "50 %" & {more} \N{GRINNING FACE} #1_2 \\end'


def test_a_challenge_is_cited_whatever_its_title_is(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).title = TITLE

    cff, bibtex = (site.browser().get(address) for address in CITATIONS)

    assert cff.headers["content-disposition"] == 'attachment; filename="CITATION.cff"'
    found = yaml.safe_load(cff.text)
    assert (found["cff-version"], found["title"]) == ("1.2.0", TITLE)
    assert found["authors"] == [{"name": site.context.site_name}]
    assert (found["date-released"], found["type"]) == ("2026-09-25", "dataset")
    assert found["url"] == f"{site.context.site_url}{ROOT}"
    assert bibtex.text.startswith("@misc{digits-2026,\n")
    assert r'{{Cells: "50 \%" \& \{more\} ' in bibtex.text
    assert r"\#1\_2 \textbackslash{}end}}" in bibtex.text
    assert bibtex.text.count("{") == bibtex.text.count("}")


@pytest.mark.parametrize("address", [*FILES, *CITATIONS])
def test_of_a_draft_there_is_no_file(site: Site, address: str) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).state = factories.ChallengeState.DRAFT

    answers = [site.browser(who).get(address) for who in (None, site.ada, site.organiser)]

    assert [answer.status_code for answer in answers] == [404, 404, 200]


def test_the_page_leads_to_the_files(site: Site) -> None:
    page = site.browser().get(BOARD).text

    for address in FILES:
        assert f'href="{address}?phase=dev"' in page
    for address in CITATIONS:
        assert f'href="{address}"' in page
    assert json.loads(site.browser().get(f"{FILES[1]}?phase=dev").text)["phase"] == "dev"
