"""What needs a person: for staff and organisers, what they decide, and whether workers and clusters are alive."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import (
    AuditEntry,
    Decision,
    Evaluation,
    Heartbeat,
    Image,
    Submission,
    Team,
    Trouble,
)
from portal.domain.attention.decisions import Choice
from portal.domain.audit import Action
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.domain.ids import new_id
from portal.services.attention import decisions
from portal.services.site import health
from portal.services.site.health import MISSED
from tests.support import factories
from tests.support.factories import NOW
from tests.support.web.site import Site

PAGE = "/challenges/digits/attention"
NOTHING = "Nothing. What the worker cannot go on with"


def _set_aside(site: Site, number: int) -> None:
    with site.context.database.writing() as session:
        for n in range(number):
            session.add(_trouble("collect", f"sr-{n}", f"ValueError: <b>odd {n}</b>\nsomewhere"))


def _trouble(step: str, subject: str, problem: str) -> Trouble:
    return Trouble(
        id=new_id(NOW), cluster="main", step=step, subject=subject, tries=1, problem=problem,
        first_at=NOW, last_at=NOW, next_at=None,
    )  # fmt: skip


def _failed(site: Site, number: int = 1) -> list[str]:
    """Let submissions of Ada's team fail because the scorer did; return the ids of their evaluations."""
    with site.context.database.writing() as session:
        team = session.get_one(Team, session.get_one(Submission, site.submission_id).team_id)
        found = [
            factories.add_submission(
                session, site.digits, team, site.ada, state=EvaluationState.FAILED,
                reason=FailureReason.SCORER_FAILED, failed_at=EvaluationState.SCORING, counts=False,
                filename=f"{n}.zip",
            ).id
            for n in range(number)
        ]  # fmt: skip
        ids = list(
            session.scalars(select(Evaluation.id).where(Evaluation.submission_id.in_(found)))
        )
        session.add_all(_trouble("end", one, "scorer_failed: exit 1") for one in ids)
        return ids


def _rows(site: Site, table: type[Any]) -> list[Any]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(table)))


def _ids(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'action="/attention/(\w+)"', page)))


def test_what_was_set_aside_stands_on_the_page_of_staff(site: Site) -> None:
    staff = site.browser(site.staff)
    assert NOTHING in staff.get("/staff").text

    _set_aside(site, 1)
    page = staff.get("/staff").text

    assert "ValueError: &lt;b&gt;odd 0&lt;/b&gt;" in page
    assert "somewhere" not in page
    assert len(_ids(page)) == 1


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_the_page_of_staff_asks_as_much_for_many_as_for_few(site: Site, rows: int) -> None:
    _set_aside(site, rows)
    _failed(site, rows)
    staff = site.browser(site.staff)

    with site.counted_queries() as asked:
        page = staff.get("/staff").text

    # What failed alike is one line.
    assert len(_ids(page)) == min(rows + 1, 50)
    selects = [one for one in asked if one.lstrip().upper().startswith("SELECT")]
    # The login, the numbers, the signs of life, what is done with files, what is in review, challenges and
    # revisions; and the list.
    assert len(selects) == 4 + 12


def test_those_that_failed_alike_stand_together_and_are_decided_on_together(site: Site) -> None:
    failed = _failed(site, 3)
    organiser = site.browser(site.organiser)

    page = organiser.get(PAGE).text
    [one] = _ids(page)
    assert "3 evaluations of Read the digits that failed alike" in " ".join(page.split())
    assert "scorer_failed: exit 1" in page
    form = {"choice": "retry", "alike": "yes", "from": "challenge"}
    assert organiser.post(f"/attention/{one}", data=form).headers["location"] == PAGE

    assert "It is about to be tried again." in organiser.get(PAGE).text
    [wish] = _rows(site, Decision)
    assert (wish.subject, wish.choice, wish.alike) == (one, Choice.RETRY, True)
    entry = next(e for e in _rows(site, AuditEntry) if e.action == Action.TROUBLE_RETRIED)
    assert (entry.actor_id, entry.detail["number"]) == (site.organiser.id, 3)

    with site.context.database.writing() as session:
        decisions.carry_out(session, wish.id, now=NOW)
    states = {one.id: one.state for one in _rows(site, Evaluation)}
    assert [states[one] for one in failed] == [EvaluationState.SCORING] * 3
    assert all(row.counts for row in _rows(site, Submission))
    assert (_rows(site, Decision), _rows(site, Trouble)) == ([], [])
    assert "Nothing needs attention." in organiser.get(PAGE).text


@pytest.mark.parametrize(("choice", "counts"), [("free", False), ("count", True)])
def test_what_is_given_up_counts_as_they_say(site: Site, choice: str, *, counts: bool) -> None:
    [failed] = _failed(site)
    staff = site.browser(site.staff)
    [one] = _ids(staff.get("/staff").text)

    answer = staff.post(f"/attention/{one}", data={"choice": choice, "from": "staff"})
    assert answer.headers["location"] == "/staff"
    [wish] = _rows(site, Decision)
    with site.context.database.writing() as session:
        decisions.carry_out(session, wish.id, now=NOW)

    with site.context.database.reading() as session:
        evaluation = session.get_one(Evaluation, failed)
        assert evaluation.state is EvaluationState.FAILED
        assert session.get_one(Submission, evaluation.submission_id).counts is counts
    assert NOTHING in staff.get("/staff").text


def test_deciding_again_before_it_is_done_changes_the_wish(site: Site) -> None:
    _failed(site)
    staff = site.browser(site.staff)
    [one] = _ids(staff.get("/staff").text)

    for choice in ("retry", "free"):
        assert staff.post(f"/attention/{one}", data={"choice": choice}).status_code == 303

    assert [wish.choice for wish in _rows(site, Decision)] == [Choice.FREE]


def test_what_nobody_knows_cannot_be_chosen(site: Site) -> None:
    _failed(site)
    staff = site.browser(site.staff)
    [one] = _ids(staff.get("/staff").text)

    assert staff.post(f"/attention/{one}", data={"choice": "explode"}).status_code == 422
    assert staff.post("/attention/nothing", data={"choice": "retry"}).status_code == 404
    assert _rows(site, Decision) == []


def test_organisers_decide_in_their_own_challenge_only(site: Site) -> None:
    _set_aside(site, 1)
    [failed] = _failed(site)
    with site.context.database.writing() as session:
        other = factories.add_challenge(session, slug="other")
        stranger = factories.add_person(session, "Olaf Other")
        factories.add_organiser(session, other, stranger)
    of_challenge = _ids(site.browser(site.organiser).get(PAGE).text)
    of_site = _ids(site.browser(site.staff).get("/staff").text)

    assert len(of_challenge) == 1
    assert len(of_site) == 2
    [aside] = set(of_site) - set(of_challenge)
    form = {"choice": "retry"}
    assert (
        site.browser(stranger).post(f"/attention/{of_challenge[0]}", data=form).status_code == 404
    )
    assert site.browser(site.organiser).post(f"/attention/{aside}", data=form).status_code == 404
    assert failed
    assert _rows(site, Decision) == []


@pytest.mark.parametrize(
    ("reason", "again"),
    [(FailureReason.INFRASTRUCTURE, True), (FailureReason.BUILD_FAILED, False)],
)
def test_images_of_a_challenge_that_cannot_be_built_are_shown(
    site: Site, reason: FailureReason, *, again: bool
) -> None:
    with site.context.database.writing() as session:
        image = session.get_one(Image, site.digits.task.scorer_image_id)
        image.state, image.reason, image.message = ImageState.FAILED, reason, "FATAL: bad layer"
        image.updated_at = NOW

    page = " ".join(site.browser(site.organiser).get(PAGE).text.split())

    assert "the image of the scorer of Read the digits" in page
    assert f"{reason}: FATAL: bad layer" in page
    assert ("Tried again by itself" in page) is again
    assert "Give up" not in page


def _beat(site: Site, **changed: Any) -> None:
    facts = {
        "cluster": "main", "holder": "host:7", "probe_image_id": "", "settings_version": "", "answers": True,
        "problem": "", "now": NOW,
    } | changed  # fmt: skip
    with site.context.database.writing() as session:
        health.beat(session, **facts)


def _health(site: Site) -> tuple[str, int, int]:
    answer = site.browser().get("/healthz").json()
    assert (answer["database"], answer["clusters"]) == ("reachable", 1)
    return answer["status"], answer["workers_alive"], answer["clusters_answering"]


def test_monitors_and_staff_learn_whether_the_worker_and_the_cluster_are_alive(site: Site) -> None:
    staff = site.browser(site.staff)
    assert _health(site) == ("degraded", 0, 0)
    assert "never seen" in staff.get("/staff").text

    _beat(site)
    assert _health(site) == ("ok", 1, 1)
    assert "host:7" in staff.get("/staff").text

    _beat(site, answers=False, problem="squeue: <b>timed out</b>")
    assert _health(site) == ("degraded", 1, 0)
    assert "squeue: &lt;b&gt;timed out&lt;/b&gt;" in staff.get("/staff").text

    _beat(site)
    site.change(clock=lambda: NOW + MISSED)
    assert _health(site) == ("degraded", 0, 0)
    assert "host:7" not in site.browser().get("/healthz").text
    site.change(clock=lambda: NOW + MISSED - timedelta(seconds=1))
    assert _health(site) == ("ok", 1, 1)


def test_nobody_sends_signs_of_life_but_the_worker(site: Site) -> None:
    with (
        pytest.raises(Exception, match=r"not authorized|permission denied"),
        site.served.database.writing() as session,
    ):
        session.add(
            Heartbeat(
                cluster="main", holder="x", seen_at=NOW, probe_image_id="", settings_version="", answers=True,
                since=NOW, problem="",
            )
        )  # fmt: skip
