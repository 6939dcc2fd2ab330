"""The audit log as staff read it: filtered, in words, page by page, and as a file."""

import html
import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import AuditEntry, Person, Team
from portal.domain.accounts.people import Actor, operator
from portal.domain.audit import START, Action, Head, Subject, entry_digest
from portal.files.audit_heads import LogState
from portal.services.audit import log as audit_log
from portal.web.app import create_app
from tests.support import factories
from tests.support.factories import DAY, NOW
from tests.support.web.site import Site

LOG = "/staff/audit"
FILE = "/staff/audit/entries.jsonl"


def _note(
    site: Site,
    action: Action,
    kind: str,
    subject_id: str,
    *,
    actor: Actor | None = None,
    challenge: bool = False,
    ago: timedelta = timedelta(),
    **detail: Any,
) -> None:
    with site.context.database.writing() as session:
        audit_log.note(
            session,
            actor=actor or Actor(person_id=site.ada.id, origin="192.0.2.7"),
            action=action,
            subject=Subject(kind=kind, id=subject_id),
            challenge_id=site.digits.challenge.id if challenge else None,
            now=NOW - ago,
            **detail,
        )


@pytest.fixture
def filled(site: Site) -> Site:
    """Return the site with an entry of each sort; the numbers below are theirs."""
    with site.context.database.writing() as session:
        team = session.scalars(select(Team).where(Team.name == "Team Eve")).one().id
    eve = Actor(person_id=site.eve.id, origin="192.0.2.8")
    _note(site, Action.LOGGED_IN, "person", site.ada.id, ago=3 * DAY)
    _note(site, Action.CHALLENGE_ADDED, "challenge", site.digits.challenge.id,
          actor=operator("root"), challenge=True, ago=2 * DAY)  # fmt: skip
    _note(site, Action.TEAM_LEFT, "team", team, actor=eve, challenge=True, ago=DAY)
    _note(site, Action.ROLE_GIVEN, "person", site.eve.id, challenge=True, role="reviewer")
    _note(site, Action.SEALED_LOOKED_AT, "submission", site.submission_id, challenge=True)
    return site


def _numbers(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'<span class="entry-number">(\d+)</span>', page)]


def _happened(page: str) -> list[str]:
    cells = re.findall(r'<td class="happened">(.*?)</td>', page, re.DOTALL)
    return [" ".join(html.unescape(re.sub("<[^>]*>", "", cell)).split()) for cell in cells]


def _looks(site: Site) -> list[dict[str, Any]]:
    with site.context.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action == Action.LOG_LOOKED_AT)
            .order_by(AuditEntry.number)
        )
        return [row.detail for row in rows]


def test_entries_are_told_in_words_with_names_as_they_are_now(filled: Site) -> None:
    with filled.context.database.writing() as session:
        session.get_one(Person, filled.ada.id).display_name = "Countess"

    page = filled.browser(filled.staff).get(LOG).text

    assert _numbers(page) == [5, 4, 3, 2, 1]
    assert _happened(page) == [
        f"Countess looked at the confidential details of submission {filled.submission_id} in Read the digits",
        "Countess gave Eve Other the role reviewer in Read the digits",
        "Eve Other left team Team Eve in Read the digits",
        "An operator added Read the digits",
        "Countess logged in",
    ]
    assert "<td>192.0.2.7</td>" in page
    assert "<td>command line, account root</td>" in page
    assert f'<a href="/submissions/{filled.submission_id}">' in page


def test_of_somebody_who_is_deleted_the_log_knows_the_pseudonym(filled: Site) -> None:
    with filled.context.database.writing() as session:
        eve = session.get_one(Person, filled.eve.id)
        eve.deleted_at, eve.pseudonym = NOW, "Quiet Heron 48213"

    page = filled.browser(filled.staff).get(LOG).text

    assert "Quiet Heron 48213 left team" in " ".join(_happened(page))
    assert "Eve Other" not in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"who": "ADA"}, [5, 4, 1]),
        ({"who": "EVE_ID"}, [3]),
        ({"who": "operator"}, [2]),
        ({"who": "%"}, []),
        ({"what": "logins"}, [1]),
        ({"what": "teams"}, [3]),
        ({"what": "challenges"}, [4, 2]),
        ({"challenge": "digits"}, [5, 4, 3, 2]),
        ({"challenge": "other"}, []),
        ({"kind": "person"}, [4, 1]),
        ({"kind": "person", "id": "EVE_ID"}, [4]),
        ({"id": "SUBMISSION"}, [5]),
        ({"from": "2026-11-23"}, [5, 4, 3]),
        ({"to": "2026-11-22"}, [2, 1]),
        ({"from": "2026-11-22", "to": "2026-11-23"}, [3, 2]),
        ({"who": "vlas", "what": "looks", "challenge": "digits", "from": "2026-11-24"}, [5]),
        ({"who": "", "what": "", "challenge": "", "from": "", "to": ""}, [5, 4, 3, 2, 1]),
    ],
)
def test_a_filter_shows_what_is_asked_for_on_the_page_and_in_the_file(
    filled: Site, query: dict[str, str], numbers: list[int]
) -> None:
    names = {"EVE_ID": filled.eve.id, "SUBMISSION": filled.submission_id}
    query = {name: names.get(value, value) for name, value in query.items()}
    browser = filled.browser(filled.staff)

    page = browser.get(LOG, params=query)
    lines = browser.get(FILE, params=query | {"to": query.get("to", "") or "2026-11-24"})

    told = [json.loads(line)["number"] for line in lines.text.splitlines()]
    assert _numbers(page.text) == numbers
    assert [n for n in told if n <= 5] == numbers[::-1]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"from": "yesterday"}, "Write the day as in 2026-12-01."),
        ({"to": "2026-13-01"}, "Write the day as in 2026-12-01."),
        ({"to": "9999-12-31"}, "Write the day as in 2026-12-01."),
        ({"what": "nonsense", "challenge": "digits"}, "Choose one of these."),
    ],
)
def test_a_filter_that_cannot_be_read_is_no_look(
    filled: Site, query: dict[str, str], message: str
) -> None:
    browser = filled.browser(filled.staff)

    page = browser.get(LOG, params=query)

    assert page.status_code == 422
    assert message in page.text
    assert _numbers(page.text) == []
    assert browser.get(FILE, params=query).status_code == 404
    assert _looks(filled) == []


def test_every_look_is_written_down_with_what_was_asked_for_and_no_name(filled: Site) -> None:
    browser = filled.browser(filled.staff)
    for query in (
        {}, {"who": "vlas"}, {"who": filled.eve.id, "what": "teams", "from": "2026-11-01"},
        {"who": "operator", "to": "2026-11-22"},
    ):  # fmt: skip
        browser.get(LOG, params=query)
    browser.get(FILE, params={"challenge": "digits"})

    assert _looks(filled) == [
        {},
        {"who": "by name"},
        {"who": filled.eve.id, "what": "teams", "since": "2026-11-01"},
        {"who": "operator", "before": "2026-11-23"},
        {"challenge": "digits", "download": True},
    ]


def test_turning_pages_is_one_look_and_pages_do_not_shift(site: Site) -> None:
    for n in range(120):
        _note(site, Action.LOGGED_IN, "person", site.ada.id, ago=timedelta(minutes=200 - n))
    browser = site.browser(site.staff)

    first = browser.get(LOG, params={"who": "vlas"}).text
    [address] = re.findall(r'<a href="([^"]*)" rel="next"', first)
    _note(site, Action.LOGGED_OUT, "person", site.ada.id)
    second = browser.get(LOG + html.unescape(address)).text
    [address] = re.findall(r'<a href="([^"]*)" rel="next"', second)
    third = browser.get(LOG + html.unescape(address)).text

    assert _numbers(first + second + third) == list(range(120, 0, -1))
    assert _looks(site) == [{"who": "by name"}]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"page": "2", "last": "60"}, id="everything"),
        pytest.param({"page": "2", "last": "60", "what": "logins"}, id="another filter"),
    ],
)
def test_a_later_page_that_nobody_came_to_from_the_first_is_a_look(
    site: Site, query: dict[str, str]
) -> None:
    for _ in range(60):
        _note(site, Action.LOGGED_IN, "person", site.ada.id)
    browser = site.browser(site.staff)
    browser.get(LOG, params={"what": "looks"})

    page = browser.get(LOG, params=query)

    assert _numbers(page.text) == list(range(10, 0, -1))
    assert len(_looks(site)) == 2


@pytest.mark.parametrize("last", ["", "x", "-1", "9" * 5000, "1.5"])
def test_a_last_entry_that_is_no_number_is_passed_over(filled: Site, last: str) -> None:
    page = filled.browser(filled.staff).get(LOG, params={"last": last[:5000]})

    assert _numbers(page.text) == [5, 4, 3, 2, 1]


def test_a_page_beyond_the_end_is_not_there_and_no_look(filled: Site) -> None:
    browser = filled.browser(filled.staff)

    assert browser.get(LOG, params={"page": "2"}).status_code == 404
    assert _looks(filled) == []


def test_the_file_is_a_chain_that_can_be_checked_elsewhere(filled: Site) -> None:
    answer = filled.browser(filled.staff).get(FILE)

    previous = START
    entries = [json.loads(line) for line in answer.text.splitlines()]
    for entry in entries:
        told = {name: entry.pop(name) for name in ("origin", "previous_sha256", "sha256")}
        assert told["previous_sha256"] == previous
        assert told["sha256"] == entry_digest(previous, entry)
        previous = told["sha256"]
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4, 5]
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.jsonl"'


def test_a_long_file_is_sent_in_parts(site: Site) -> None:
    with site.context.database.writing() as session:
        for _ in range(1200):
            audit_log.note(
                session, actor=operator("root"), action=Action.STAFF_ADDED,
                subject=Subject(kind="person", id=site.ada.id), now=NOW,
            )  # fmt: skip

    answer = site.browser(site.staff).get(FILE)

    numbers = [json.loads(line)["number"] for line in answer.text.splitlines()]
    assert numbers == list(range(1, 1201))


def test_an_origin_that_was_erased_is_called_so(filled: Site) -> None:
    with filled.context.database.writing() as session:
        audit_log.erase_origins(session, actor=operator("root"), before=NOW - DAY, now=NOW)

    page = filled.browser(filled.staff).get(LOG).text

    assert page.count('<span class="quiet">erased</span>') == 2
    assert "entries: 2" in page


@pytest.mark.parametrize("path", [LOG, FILE, f"{LOG}?from=nonsense"])
def test_the_log_is_there_for_staff_only(filled: Site, path: str) -> None:
    people = (None, filled.newcomer, filled.ada, filled.organiser, filled.staff)

    answers = [filled.browser(person).get(path).status_code for person in people]

    assert answers == [303, 404, 404, 404, 422 if "nonsense" in path else 200]


@pytest.mark.parametrize("entries", [1, 50])
def test_the_log_takes_as_many_queries_however_long_it_is(site: Site, entries: int) -> None:
    with site.context.database.writing() as session:
        people = [factories.add_person(session, f"P{n}").id for n in range(entries)]
    for person in people:
        _note(site, Action.ROLE_GIVEN, "person", person, challenge=True, role="owner")
    browser = site.browser(site.staff)

    with site.counted_queries() as statements:
        page = browser.get(LOG).text
    with site.counted_queries() as of_another_page:
        browser.get(LOG, params={"page": "1", "last": str(entries), "who": "P"})

    assert len(_numbers(page)) == entries
    # The login, the last number, the entries, their people, teams and challenges, their count, and
    # the end of the chain for the entry about the look.
    assert len([s for s in statements if s.startswith("SELECT")]) == 8
    # The number is given; whether "P" is an account number is asked for.
    assert len([s for s in of_another_page if s.startswith("SELECT")]) == 8


def test_names_in_the_log_are_shown_as_text(filled: Site) -> None:
    with filled.context.database.writing() as session:
        session.get_one(Person, filled.ada.id).name = "<script>alert(1)</script>"
        for team in session.scalars(select(Team)):
            team.name = f"<img src=x> {team.id}"

    page = filled.browser(filled.staff).get(LOG, params={"who": '"><svg/onload=alert(1)>'}).text
    log = filled.browser(filled.staff).get(LOG).text

    for active in ("<script>alert", "<img", "<svg/onload"):
        assert active not in page + log


def _same(state: LogState) -> LogState:
    return state


@pytest.mark.parametrize("address", ["/staff", "/staff/audit"])
def test_staff_are_told_what_the_worker_found(site: Site, address: str) -> None:
    head = Head(number=7, sha256="a" * 64)
    told = {}
    for problem in (None, "entry 7: <b>"):
        state = LogState(at=NOW, head=head, problem=problem)
        context = replace(site.served, audit_state=partial(_same, state))
        looked = replace(site, served=context, app=create_app(context))
        told[problem] = looked.browser(site.staff).get(address).text

    assert "The audit log was tampered with" not in told[None]
    assert "has recorded its head: entry 7" in told[None]
    assert "The audit log was tampered with" in told["entry 7: <b>"]
    assert "entry 7: &lt;b&gt;" in told["entry 7: <b>"]
