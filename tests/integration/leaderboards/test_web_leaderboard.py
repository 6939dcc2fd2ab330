"""What the leaderboard shows to whom: ranks, pages, the own team, and what is not revealed yet."""

import re
from datetime import timedelta

import pytest

from portal.db.engine import Database
from portal.db.queries import leaderboards
from portal.db.tables import Challenge, Column, Phase, Standing
from portal.domain.accounts.tokens import Scope
from portal.domain.leaderboards.sorting import BoardSort
from portal.domain.permissions import Audience
from portal.web.local_paths import API
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

BOARD = "/challenges/digits/leaderboard"


def _ranking(page: str) -> list[tuple[str, str]]:
    """Read rank and team of each row."""
    rows = re.findall(r'class="number rank">(\d+)</td>\s*<th[^>]*>(.*?)</th>', page, re.DOTALL)
    return [(rank, re.sub(r"<[^>]*>", " ", team).split("  ")[0].strip()) for rank, team in rows]


def test_equal_scores_share_a_rank_and_the_earlier_comes_first(site: Site) -> None:
    with site.context.database.writing() as session:
        for name, accuracy, days in (("Late", 0.95, 1), ("Early", 0.95, 3), ("Best", 0.99, 2)):
            factories.add_ranked(session, site.digits, name, accuracy, NOW - days * DAY)

    page = site.browser().get(BOARD).text

    assert _ranking(page) == [("1", "Best"), ("2", "Early"), ("2", "Late"), ("4", "Team Ada")]


def test_fifty_stand_on_a_page_and_ranks_go_on_over_the_pages(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(60):
            factories.add_ranked(session, site.digits, f"T{n:02}", 0.99 - (n // 2) * 0.001)

    first, second = (_ranking(site.browser().get(f"{BOARD}?page={n}").text) for n in (1, 2))

    assert [rank for rank, _ in first] == [str(n // 2 * 2 + 1) for n in range(50)]
    assert [rank for rank, _ in second] == [str(n // 2 * 2 + 1) for n in range(50, 60)] + ["61"]
    assert not set(first) & set(second)


def test_the_own_team_is_marked_and_named_on_other_pages_too(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(55):
            factories.add_ranked(session, site.digits, f"T{n:02}", 0.99 - n * 0.001)
    ada = site.browser(site.ada)

    first, second = ada.get(BOARD).text, ada.get(f"{BOARD}?page=2").text

    assert 'rank <strong>56</strong>, on <a href="?phase=dev&amp;page=2">page 2</a>' in first
    assert first.count('<tr class="own">') == 0
    assert second.count('<tr class="own">') == 1
    assert "your team" not in site.browser().get(f"{BOARD}?page=2").text


def test_only_own_submissions_are_linked(site: Site) -> None:
    with site.context.database.writing() as session:
        factories.add_ranked(session, site.digits, "Another", 0.95)
    link = f'href="/submissions/{site.submission_id}"'

    linked = [
        (page.count('href="/submissions/'), link in page)
        for page in (
            site.browser(person).get(BOARD).text
            for person in (None, site.ada, site.eve, site.organiser)
        )
    ]

    assert linked == [(0, False), (1, True), (0, False), (2, True)]


@pytest.mark.parametrize(
    ("audience", "seen"),
    [
        (Audience.PUBLIC, [True, True, True, True, True]),
        (Audience.PARTICIPANTS, [False, False, True, True, True]),
        (Audience.ORGANISERS, [False, False, False, True, True]),
        (Audience.HIDDEN, [False, False, False, True, True]),
    ],
)
def test_a_leaderboard_is_for_its_audience(
    site: Site, audience: Audience, seen: list[bool]
) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).leaderboard = audience

    pages = [
        site.browser(person).get(f"{BOARD}?phase=dev")
        for person in (None, site.newcomer, site.ada, site.organiser, site.staff)
    ]

    assert [page.status_code for page in pages] == [200 if each else 404 for each in seen]
    assert ["Team Ada" in page.text for page in pages] == seen


@pytest.mark.parametrize(
    ("reveal_at", "revealed"),
    [(None, False), (NOW + timedelta(seconds=1), False), (NOW, True)],
)
def test_private_columns_become_public_at_the_time_of_the_reveal(
    site: Site, reveal_at: object, revealed: bool
) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).reveal_at = reveal_at  # type: ignore[assignment]
    ada = site.browser(site.ada)

    for page in (BOARD, f"/submissions/{site.submission_id}", "/challenges/digits/submissions"):
        assert ("Hold-out" in ada.get(page).text) is revealed
        assert ("0.885" in ada.get(page).text) is revealed


def test_while_the_ranking_column_is_private_the_order_is_too(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Column, site.digits.columns[0].id).private = True

    visitor, organiser = (
        site.browser().get(BOARD).text,
        site.browser(site.organiser).get(BOARD).text,
    )

    assert "Team Ada" not in visitor
    assert "no leaderboard that is open to you" in visitor
    assert "Team Ada" in organiser


def test_a_phase_without_feedback_tells_a_team_no_scores_of_its_own(site: Site) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.feedback, phase.leaderboard = "none", Audience.ORGANISERS

    told = [
        "0.912" in site.browser(person).get(path).text
        for person in (site.ada, site.organiser)
        for path in (f"/submissions/{site.submission_id}", "/challenges/digits/submissions")
    ]

    assert told == [False, False, True, True]


def test_a_visitor_sees_a_new_score_at_once_and_asks_once_for_what_stays(site: Site) -> None:
    visitor = site.browser()
    before = visitor.get(BOARD).text

    with site.counted_queries() as again:
        kept = visitor.get(BOARD).text
    with site.context.database.writing() as session:
        factories.add_ranked(session, site.digits, "Best", 0.99, NOW)
    after = visitor.get(BOARD).text

    assert kept == before
    assert len([one for one in again if one.startswith("SELECT")]) == 1
    assert "Best" not in before
    assert _ranking(after)[0] == ("1", "Best")


def test_a_visitor_sees_a_renamed_team_and_what_is_closed_at_once(site: Site) -> None:
    visitor = site.browser()
    assert "Team Ada" in visitor.get(BOARD).text

    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).leaderboard = Audience.ORGANISERS

    assert "Team Ada" not in visitor.get(BOARD).text


def test_what_a_member_sees_is_never_shown_to_a_visitor(site: Site) -> None:
    own = site.browser(site.ada).get(BOARD).text
    visitor = site.browser().get(BOARD).text
    again = site.browser(site.ada).get(BOARD).text

    assert "your team" in own
    assert "your team" not in visitor
    assert "your team" in again


def test_a_visitor_sees_what_is_revealed_at_the_moment(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Challenge, site.digits.challenge.id).reveal_at = NOW + timedelta(seconds=5)
    visitor = site.browser()
    before = visitor.get(BOARD).text

    site.change(clock=lambda: NOW + timedelta(seconds=5))

    assert "Hold-out" not in before
    assert "Hold-out" in site.browser().get(BOARD).text


def _add_sortable(site: Site) -> None:
    with site.context.database.writing() as session:
        for name, accuracy, brier, days in (
            ("Zoe", 0.99, 0.5, 1),
            ("bob", 0.95, 0.1, 3),
            ("Amy", 0.95, 0.3, 2),
        ):
            team = factories.add_ranked(session, site.digits, name, accuracy, NOW - days * DAY)
            row = session.get_one(Standing, (site.digits.dev.id, team.id, 0))
            row.scores = row.scores | {"brier": brier}


@pytest.mark.parametrize(
    ("sort", "aria", "expected"),
    [
        ("brier", "ascending", ["4 Team Ada", "2 bob", "2 Amy", "1 Zoe"]),
        ("-brier", "descending", ["1 Zoe", "2 Amy", "2 bob", "4 Team Ada"]),
        ("accuracy", "descending", ["1 Zoe", "2 bob", "2 Amy", "4 Team Ada"]),
        ("-accuracy", "ascending", ["4 Team Ada", "2 bob", "2 Amy", "1 Zoe"]),
        ("@team", "ascending", ["2 Amy", "2 bob", "4 Team Ada", "1 Zoe"]),
        ("@submitted", "ascending", ["2 bob", "2 Amy", "1 Zoe", "4 Team Ada"]),
    ],
)
def test_readers_sort_and_ranks_stay_those_of_the_board(
    site: Site, sort: str, aria: str, expected: list[str]
) -> None:
    _add_sortable(site)
    key = sort.removeprefix("-")

    page = site.browser().get(f"{BOARD}?phase=dev&sort={sort}").text
    token = site.token(site.eve, Scope.READ)
    rows = site.program(token).get(f"{API}{BOARD}?sort={sort}").json()["items"]

    assert [" ".join(row) for row in _ranking(page)] == expected
    assert [f"{row['rank']} {row['team']}" for row in rows] == expected
    again = key if sort != key else f"-{key}"
    assert re.findall(r'aria-sort="(\w+)"[^<]*(?:<span[^>]*>)?<a href="([^"]+)"', page) == [
        (aria, f"?phase=dev&amp;sort={again}")
    ]


def test_the_own_row_is_found_in_another_order_too(site: Site) -> None:
    with site.context.database.writing() as session:
        for n in range(55):
            factories.add_ranked(session, site.digits, f"T{n:02}", 0.99 - n * 0.001)
    ada = site.browser(site.ada)

    by_team, turned = (ada.get(f"{BOARD}?sort={sort}").text for sort in ("@team", "-accuracy"))

    link = 'rank <strong>56</strong>, on <a href="?phase=dev&amp;sort=@team&amp;page=2">page 2</a>'
    assert link in by_team
    assert turned.count('<tr class="own">') == 1
    assert 'href="?phase=dev&amp;sort=-accuracy&amp;page=2"' in turned


@pytest.mark.parametrize("sort", ["holdout", "-holdout", "nothing", "@rank", "%00"])
def test_nobody_sorts_by_what_they_do_not_see(site: Site, sort: str) -> None:
    token = site.token(site.ada, Scope.READ)

    answers = [
        site.browser().get(f"{BOARD}?sort={sort}").status_code,
        site.browser(site.ada).get(f"{BOARD}?sort={sort}").status_code,
        site.program(token).get(f"{API}{BOARD}?sort={sort}").status_code,
    ]

    assert answers == [404, 404, 404]
    assert site.browser(site.organiser).get(f"{BOARD}?sort={sort}").status_code == (
        200 if "holdout" in sort else 404
    )


def test_sorting_costs_no_query_and_follows_changes_at_once(site: Site) -> None:
    visitor, ada = site.browser(), site.browser(site.ada)
    address = f"{BOARD}?sort=brier"

    with site.counted_queries() as first:
        before = visitor.get(address).text
    with site.counted_queries() as again:
        kept = visitor.get(address).text
    with site.counted_queries() as own:
        ada.get(address)
    _add_sortable(site)

    counts = [
        sum(one.startswith(("SELECT", "WITH")) for one in each) for each in (first, again, own)
    ]
    assert counts == [4, 1, 4]
    assert kept == before != visitor.get(BOARD).text
    assert "Zoe" in visitor.get(address).text


@pytest.mark.parametrize("sort", ["accuracy", "brier", "-brier", "@team", "@submitted", "holdout"])
def test_both_databases_sort_alike(database: Database, sort: str) -> None:
    with database.writing() as session:
        digits = factories.add_challenge(session)
        for n, (name, accuracy) in enumerate((("Zoe", 0.99), ("bob", 0.95), ("Amy", 0.95))):
            team = factories.add_ranked(session, digits, name, accuracy, NOW - n * DAY)
            row = session.get_one(Standing, (digits.dev.id, team.id, 0))
            row.is_unranked = name == "Zoe"
            if name == "bob":
                row.scores = {"accuracy": accuracy}
    wanted = BoardSort(key=sort.removeprefix("-"), is_ascending=sort[0] in "-@", is_turned=False)

    with database.reading() as session:
        found = leaderboards.sorted_page_of(
            session, board_id=digits.dev.id, sort=wanted, first=1, size=9, team_id=None
        )

    orders = {"accuracy": "Zoe Amy bob", "@team": "Amy bob Zoe", "@submitted": "Amy bob Zoe",
              "-brier": "Zoe Amy bob", "brier": "Amy Zoe bob", "holdout": "Zoe Amy bob"}  # fmt: skip
    assert [row.team for row in found] == orders[sort].split()
    assert {row.team: row.rank for row in found} == {"Zoe": None, "Amy": 1, "bob": 1}
    assert [(row.position, row.total) for row in found] == [(1, 3), (2, 3), (3, 3)]


def test_the_tab_of_the_leaderboard_is_the_current_one(site: Site) -> None:
    page = site.browser().get("/challenges/digits/leaderboard").text

    assert '<a href="/challenges/digits/leaderboard" aria-current="page">Leaderboard</a>' in page
