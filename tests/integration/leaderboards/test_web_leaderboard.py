"""What the leaderboard shows to whom: ranks, pages, the own team, and what is not revealed yet."""

import re
from datetime import timedelta

import pytest

from portal.db.tables import Challenge, Column, Phase
from portal.domain.permissions import Audience
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
