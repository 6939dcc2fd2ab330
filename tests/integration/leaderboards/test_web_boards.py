"""Boards on pages, in files and in the API: what each shows, and that none shows what it keeps back."""

import csv
import io
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.tables import Board, Column, Person, Phase, Pick, Standing, Team
from portal.domain.accounts.tokens import Scope
from portal.domain.leaderboards.scores import Rule, Sort
from portal.domain.permissions import Audience
from portal.services.leaderboards import standings
from portal.web.local_paths import API
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

ROOT = "/challenges/digits"
BOARD = f"{ROOT}/leaderboard"
LIST = f"{ROOT}/submissions"


def _board(site: Site, slug: str, **values: Any) -> None:
    """Add a board of the open phase with what stands on it."""
    with site.context.database.writing() as session:
        factories.add_board(session, site.digits.challenge, slug, slug.title(), ["dev"], **values)
        standings.rebuild(session, site.digits.challenge.id)


def _program(site: Site, person: Person, *scopes: Scope) -> TestClient:
    return site.program(site.token(person, *scopes))


def _teams(site: Site, *accuracies: float) -> None:
    with site.context.database.writing() as session:
        for n, accuracy in enumerate(accuracies):
            factories.add_ranked(session, site.digits, f"Rival {n}", accuracy, NOW - (n + 1) * DAY)


def _addresses(board: str) -> list[str]:
    return [
        f"{BOARD}?board={board}",
        f"{BOARD}.csv?board={board}",
        f"{BOARD}.json?board={board}",
    ]


def test_a_challenge_with_several_boards_says_what_each_ranks_by(site: Site) -> None:
    _teams(site, 0.95, 0.85)
    _board(site, "mean", ranking={"mean_rank": ["accuracy", "brier"]})
    _board(site, "ties", ranking={"by": "accuracy", "ties": ["brier"]}, ranks_organisers=False)

    page = site.browser().get(f"{BOARD}?board=mean").text
    ties = site.browser().get(f"{BOARD}?board=ties").text
    usual = site.browser().get(f"{BOARD}?phase=dev").text

    assert 'aria-label="Board"' in page
    assert (
        "Teams are ranked in each of Accuracy, Brier score; the mean of these ranks counts." in page
    )
    assert ">Mean rank</th>" in page
    assert "Ranked by Accuracy; equal values by Brier score." in ties
    assert "Teams of organisers have no rank." in ties
    assert "Mean rank" not in usual + ties
    assert "Ranking of Development" in usual


def test_files_and_the_api_have_each_board(site: Site) -> None:
    _teams(site, 0.95, 0.85)
    _board(site, "mean", ranking={"mean_rank": ["accuracy", "brier"]}, compare="dev")

    text = site.browser().get(f"{BOARD}.csv?board=mean")
    found = site.browser().get(f"{BOARD}.json?board=mean").json()
    token = _program(site, site.ada, Scope.READ)
    answer = token.get(f"{API}{BOARD}?board=mean").json()

    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert "digits-mean.csv" in text.headers["content-disposition"]
    assert [(row["rank"], row["mean_rank"], row["rank_before"]) for row in rows] == [
        ("1", "1.0", "1"),
        ("2", "2.0", "2"),
        ("3", "3.0", "3"),
    ]
    assert (found["board"], found["phases"], found["rows"][0]["mean_rank"]) == (
        "mean",
        ["dev"],
        1.0,
    )
    assert (answer["board"], answer["compare"], answer["items"][0]["rank_before"]) == (
        "mean",
        "dev",
        1,
    )
    assert [one["id"] for one in answer["boards"]] == ["warm-up", "dev", "mean"]
    details = token.get(f"{API}{ROOT}").json()
    assert [one["id"] for one in details["boards"]] == ["warm-up", "dev", "mean"]


def test_a_board_is_sorted_as_readers_like_also_where_all_of_it_is_ranked_at_once(
    site: Site,
) -> None:
    _teams(site, 0.95, 0.85)
    _board(site, "mean", ranking={"mean_rank": ["accuracy", "brier"]})

    page = site.browser().get(f"{BOARD}?board=mean&sort=-accuracy").text

    assert page.index("Rival 1") < page.index("Rival 0")
    assert site.browser().get(f"{BOARD}?board=mean&sort=holdout").status_code == 404


@pytest.fixture
def hidden(site: Site) -> Site:
    """Return a site with a board by a private column, which is revealed tomorrow, and choices for it."""
    with site.context.database.writing() as session:
        session.scalars(select(Column).where(Column.key == "holdout")).one().reveal_at = NOW + DAY
    _teams(site, 0.95, 0.85, 0.8, 0.75)
    _board(
        site, "hidden", ranking={"by": "holdout"}, rule=Rule.CHOSEN, number=1, compare="dev",
        reveal_at=NOW + DAY,
    )  # fmt: skip
    return site


def test_before_its_reveal_there_is_nothing_of_a_board(hidden: Site) -> None:
    with hidden.context.database.reading() as session:
        values = [f"{row.scores['holdout']}" for row in session.scalars(select(Standing))]

    for person in (None, hidden.ada, hidden.newcomer):
        browser = hidden.browser(person)
        for address in _addresses("hidden"):
            assert browser.get(address).status_code == 404
        for address in (BOARD, f"{BOARD}?phase=dev", f"{BOARD}.json", ROOT):
            page = browser.get(address).text
            assert "Hidden" not in page
            assert not [value for value in values if value in page]
    token = _program(hidden, hidden.ada, Scope.READ)
    assert token.get(f"{API}{BOARD}?board=hidden").status_code == 404
    assert "hidden" not in token.get(f"{API}{ROOT}").text
    organiser = hidden.browser(hidden.organiser).get(f"{BOARD}?board=hidden").text
    assert "Only organisers see this board before" in organiser


def test_after_the_reveal_a_picture_and_a_table_show_who_moved(hidden: Site) -> None:
    with hidden.context.database.writing() as session:
        session.scalars(select(Column).where(Column.key == "holdout")).one().reveal_at = NOW
        board = session.scalars(select(Standing.board_id).where(Standing.rank_value < 0.95)).all()
        assert board
        row = session.scalars(
            select(Standing).join(Team).where(Team.name == "Rival 3").order_by(Standing.rank_value)
        ).first()
        row.scores, row.rank_value = {**row.scores, "holdout": 1.0}, 1.0

        session.scalars(select(Board).where(Board.slug == "hidden")).one().reveal_at = NOW

    page = hidden.browser().get(f"{BOARD}?board=hidden").text

    assert "Ranks before and after" in page
    assert "from 5 to 1" in page
    assert "4 up" in page
    assert "1 down" in page


def test_a_team_chooses_on_its_list_and_by_the_api(hidden: Site) -> None:
    mine = hidden.submission_id
    ada = hidden.browser(hidden.ada)

    before = ada.get(LIST).text
    answer = ada.post(f"/submissions/{mine}/picks", data={"board": "hidden"})
    after = ada.get(LIST).text
    dropped = ada.post(f"/submissions/{mine}/picks", data={"board": "hidden", "change": "drop"})

    assert "<strong>0 of 1</strong> chosen" in before
    assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    assert "<strong>1 of 1</strong> chosen" in after
    assert dropped.status_code == 303
    token = _program(hidden, hidden.ada, Scope.READ, Scope.SUBMIT)
    for call, chosen in (("pick", [mine]), ("pick", [mine]), ("unpick", []), ("unpick", [])):
        found = token.post(f"{API}/submissions/{mine}/{call}", json={"board": "hidden"})
        assert found.json() == {"board": "hidden", "submissions": chosen}
    with hidden.context.database.reading() as session:
        assert session.scalars(select(Pick)).all() == []


def test_nobody_else_chooses_and_the_list_of_others_says_nothing_of_it(hidden: Site) -> None:
    mine = hidden.submission_id

    for person in (hidden.eve, hidden.organiser, hidden.staff):
        answer = hidden.browser(person).post(f"/submissions/{mine}/picks", data={"board": "hidden"})
        assert answer.status_code == 404
    assert "chosen" not in hidden.browser(hidden.organiser).get(LIST).text
    refused = hidden.browser(hidden.ada).post(f"/submissions/{mine}/picks", data={"board": "dev"})
    assert refused.status_code == 422
    assert "There is nothing to choose for this board" in refused.text


def test_an_anonymous_board_has_no_name_in_any_form(site: Site) -> None:
    _teams(site, 0.95, 0.85)
    _board(site, "quiet", anonymous_until=NOW + DAY)

    for person in (None, site.eve):
        for address in _addresses("quiet"):
            page = site.browser(person).get(address).text
            assert "Anonymous" in page
            assert not [name for name in ("Rival 0", "Rival 1", "Team Ada") if name in page]
    assert "Team Ada" in site.browser(site.ada).get(f"{BOARD}?board=quiet").text
    answer = _program(site, site.eve, Scope.READ).get(f"{API}{BOARD}?board=quiet").json()
    assert {row["team"] for row in answer["items"]} == {"Anonymous"}
    assert answer["is_anonymous"]
    assert site.browser().get(f"{BOARD}?board=quiet&sort=@team").status_code == 404


def test_where_each_sees_the_own_no_form_has_anything_of_others(site: Site) -> None:
    _teams(site, 0.95, 0.85)
    _board(site, "own", audience=Audience.OWN)

    for address in _addresses("own"):
        assert site.browser().get(address).status_code == 404
        assert site.browser(site.newcomer).get(address).status_code == 404
        page = site.browser(site.ada).get(address).text
        assert "Team Ada" in page
        assert not [
            word for word in ("Rival 0", "Rival 1", "0.950", "3 teams", "Rank</th>") if word in page
        ]
    answer = _program(site, site.ada, Scope.READ).get(f"{API}{BOARD}?board=own").json()
    assert [(row["team"], row["rank"]) for row in answer["items"]] == [("Team Ada", None)]
    assert answer["total"] == 1


def test_a_frozen_board_has_nothing_later_in_any_form(site: Site) -> None:
    with site.context.database.writing() as session:
        person = factories.add_person(session, "Late")
        team = factories.add_team(session, site.digits, "Latecomers", person)
        factories.add_submission(session, site.digits, team, person, accuracy=0.987, at=NOW - DAY)
        kept = factories.add_board(
            session, site.digits.challenge, "cold", "Cold", ["dev"], freeze_at=NOW - 2 * DAY
        )
        factories.add_board(
            session, site.digits.challenge, "cold@frozen", "Cold", ["dev"],
            freeze_at=NOW - 2 * DAY, frozen_of=kept.id,
        )  # fmt: skip
        standings.rebuild(session, site.digits.challenge.id)

    for person in (None, site.ada):
        for address in _addresses("cold"):
            page = site.browser(person).get(address).text
            assert "Latecomers" not in page
            assert "0.987" not in page
    organiser = site.browser(site.organiser).get(f"{BOARD}?board=cold").text
    assert "Latecomers" in organiser
    assert "You see every result." in organiser


def _add_total(site: Site, **values: Any) -> None:
    with site.context.database.writing() as session:
        usual = {
            "title": "Total", "sort": Sort.DESCENDING, "precision": 1, "is_primary": False,
            "private": False, "minimum": None, "maximum": None, "unit": "points",
        }  # fmt: skip
        session.add(
            Column(
                id="c" * 20, challenge_id=site.digits.challenge.id, position=9, key="total",
                formula={"operation": "weighted", "weights": {"accuracy": 100, "brier": 0}},
                **(usual | values),
            )
        )  # fmt: skip
        session.flush()
        standings.rebuild(session, site.digits.challenge.id)


def test_what_is_worked_out_is_on_the_page_of_a_submission_and_in_the_api(site: Site) -> None:
    _add_total(site)
    ada = site.browser(site.ada)
    own = _program(site, site.ada, Scope.READ)

    page = " ".join(ada.get(f"/submissions/{site.submission_id}").text.split())

    found = own.get(f"{API}/submissions/{site.submission_id}").json()["scores"]["total"]
    assert f"<dt>Total</dt> <dd>{found:.1f}</dd>" in page
    assert f"{found:.1f}</td>" in ada.get(LIST).text
    assert "Total (points)" in site.browser().get(BOARD).text


def test_what_is_worked_out_and_private_is_nowhere(site: Site) -> None:
    _add_total(site, private=True)
    ada, own = site.browser(site.ada), _program(site, site.ada, Scope.READ)
    pages = (f"/submissions/{site.submission_id}", LIST, BOARD, f"{BOARD}.csv", f"{BOARD}.json")

    for page in pages:
        assert "total" not in ada.get(page).text.lower().replace('"total":', "")
    for call in (f"/submissions/{site.submission_id}", ROOT):
        assert "Total" not in own.get(f"{API}{call}").text
    assert "Total" in site.browser(site.organiser).get(BOARD).text


def test_where_a_phase_shows_no_scores_what_is_worked_out_is_not_shown_either(site: Site) -> None:
    _add_total(site)
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).feedback = "none"

    page = site.browser(site.ada).get(f"/submissions/{site.submission_id}").text
    found = _program(site, site.ada, Scope.READ).get(f"{API}/submissions/{site.submission_id}")

    assert "Total" not in page
    assert found.json()["scores"] == {}
