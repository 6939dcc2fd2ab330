"""What a team may not see of runs on private data: on its pages, by the API, in its export."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db.tables import (
    Attempt,
    Column,
    DataSnapshot,
    Evaluation,
    Event,
    ExtraTries,
    Job,
    Phase,
    Submission,
    Task,
    Team,
)
from portal.domain.accounts.people import Actor
from portal.domain.accounts.tokens import Scope
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.separation import Separation
from portal.domain.evaluations.states import AttemptState, EvaluationState, SnapshotState
from portal.domain.ids import new_id
from portal.domain.permissions import Audience
from portal.domain.submissions.disclosure import AFTER_DATA, Failures
from portal.services.leaderboards.leakage import leak_page
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW
from tests.support.web.site import Site

E = EvaluationState


@pytest.fixture(autouse=True)
def _sealed(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).failures = Failures.SEALED


def _submission(site: Site, **more: object) -> str:
    with site.context.database.writing() as session:
        row = session.get_one(Submission, site.submission_id)
        team = session.get_one(Team, row.team_id)
        submission = factories.add_submission(
            session, site.digits, team, site.ada, filename="again.zip", **more
        )  # type: ignore[arg-type]
    return submission.id


def _told(site: Site, submission: str) -> dict[str, str]:
    """Return all that the team is shown of a submission, without what names it."""
    browser = site.browser(site.ada)
    program = site.program(site.token(site.ada, Scope.READ))
    exported = browser.get("/account/export").json()
    told = {
        "page": browser.get(f"/submissions/{submission}").text,
        "progress": browser.get(f"/submissions/{submission}/progress").text,
        "list": browser.get("/challenges/digits/submissions").text,
        "api": program.get(f"/api/v1/submissions/{submission}").text,
        "api list": program.get("/api/v1/challenges/digits/submissions").text,
        "export": json.dumps([one for one in exported["submissions"] if one["id"] == submission]),
    }
    return {name: re.sub(r"\b1[0-9a-z]{19}\b", "ID", text) for name, text in told.items()}


IN_SCORING = {FailureReason.BAD_OUTPUT, FailureReason.BAD_SCORES, FailureReason.SCORER_FAILED}


def _told_of_each(site: Site) -> dict[FailureReason, dict[str, str]]:
    """Let one submission fail in every way, each after another time; return what its team is shown."""
    submission = _submission(site, state=E.FAILED, failed_at=E.SCORING)
    told = {}
    in_order = sorted(AFTER_DATA, key=lambda reason: (reason not in IN_SCORING, reason))
    for minutes, reason in enumerate(in_order, start=1):
        with site.context.database.writing() as session:
            evaluation = session.scalars(
                select(Evaluation).where(Evaluation.submission_id == submission)
            ).one()
            evaluation.reason, evaluation.message = reason, f"This one is {reason}."
            events = session.scalars(select(Event).where(Event.evaluation_id == evaluation.id))
            for event in events.all():
                if event.state is E.FAILED:
                    event.at = NOW - 20 * MINUTE + minutes * timedelta(seconds=20)
                if event.state is E.SCORING and reason not in IN_SCORING:
                    session.delete(event)
        told[reason] = _told(site, submission)
    return told


def test_whatever_failed_after_the_data_was_read_looks_the_same(site: Site) -> None:
    told = _told_of_each(site)

    first, *others = told.values()
    assert "It gave no result" in first["page"]
    assert '"reason":"no_result"' in first["api"].replace(" ", "")
    for other in others:
        assert other == first


def test_in_a_phase_without_secrets_the_reasons_are_told(site: Site) -> None:
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).failures = Failures.TYPED

    told = [one["page"] for one in _told_of_each(site).values()]

    assert len(set(told)) == len(AFTER_DATA)


def test_organisers_see_the_reason_and_the_detail_of_a_bad_score_file(site: Site) -> None:
    submission = _submission(site, state=E.FAILED, reason=FailureReason.BAD_SCORES)

    page = site.browser(site.organiser).get(f"/submissions/{submission}").text
    sealed = site.browser(site.organiser).get(f"/submissions/{submission}/sealed").text

    assert "The scorer gave no valid scores" in page
    assert "something only organisers see" in sealed


@pytest.mark.parametrize("counts", [True, False])
def test_the_page_and_the_api_say_what_the_quota_does(site: Site, counts: bool) -> None:
    """In a sealed phase also a scorer's failure counts: organisers, who see the reason, read that."""
    submission = _submission(site, state=E.FAILED, reason=FailureReason.BAD_SCORES)
    with site.context.database.writing() as session:
        session.get_one(Submission, submission).counts = counts

    page = site.browser(site.organiser).get(f"/submissions/{submission}").text
    program = site.program(site.token(site.organiser, Scope.READ, Scope.ORGANISE))
    told = program.get(f"/api/v1/submissions/{submission}").json()
    own = site.browser(site.ada).get(f"/submissions/{submission}").text

    assert ("It counts against the team&#39;s limits all the same" in page) is counts
    assert ("does not count" in page) is not counts
    assert ("does not count" in own) is not counts
    assert told["counts"] is counts
    assert [one["failure"]["counts"] for one in told["evaluations"]] == [counts]


def test_scoring_looks_like_running(site: Site) -> None:
    submission = _submission(site, state=E.SCORING)
    scoring = _told(site, submission)
    with site.context.database.writing() as session:
        evaluation = session.scalars(
            select(Evaluation).where(Evaluation.submission_id == submission)
        ).one()
        evaluation.state = E.RUNNING
        events = session.scalars(select(Event).where(Event.evaluation_id == evaluation.id))
        for event in events.all():
            if event.state is E.SCORING:
                session.delete(event)
        job = session.scalars(select(Job).where(Job.evaluation_id == evaluation.id)).one()
        job.kind = JobKind.PREDICT
        attempt = session.scalars(select(Attempt).where(Attempt.job_id == job.id)).one()
        attempt.state, attempt.raw_state = AttemptState.RUNNING, "RUNNING"

    running = _told(site, submission)

    assert '"running"' in running["api"]
    assert scoring == running


def _steps(site: Site, submission: str) -> dict[str, str]:
    program = site.program(site.token(site.ada, Scope.READ))
    [evaluation] = program.get(f"/api/v1/submissions/{submission}").json()["evaluations"]
    return {step["title"]: step["at"] for step in evaluation["steps"]}


@pytest.mark.parametrize("seconds", [1, 200, 299, 300])
def test_the_length_of_a_run_is_told_in_whole_steps(site: Site, seconds: int) -> None:
    submission = _submission(site, state=E.SCORED)
    with site.context.database.writing() as session:
        evaluation = select(Evaluation.id).where(Evaluation.submission_id == submission)
        events = session.scalars(
            select(Event).where(Event.evaluation_id == evaluation.scalar_subquery())
        )
        by_state = {event.state: event for event in events}
        began = by_state[E.RUNNING].at
        by_state[E.SCORED].at = began + timedelta(seconds=seconds)

    steps = _steps(site, submission)

    assert steps["Result"] == f"{began + timedelta(minutes=5):%Y-%m-%dT%H:%M:00Z}"
    assert steps["Output scored"] is None


def test_digits_beyond_the_columns_are_nowhere(site: Site) -> None:
    # Exact is 0.9120123, and the holdout is private.
    told = _told(site, site.submission_id)

    for name, text in told.items():
        assert "0.9120123" not in text, name
        assert "0.912" in text, name
        assert "0.88" not in text.replace("0.898866", ""), name
        assert "holdout" not in text, name


def test_the_ladder_decides_what_the_team_sees_everywhere(site: Site) -> None:
    with site.context.database.writing() as session:
        row = session.get_one(Submission, site.submission_id)
        row.shown = {"accuracy": 0.9, "macro_f1": 0.888, "brier": 0.06, "holdout": 0.1}

    told = _told(site, site.submission_id)
    exact = site.browser(site.organiser).get(f"/submissions/{site.submission_id}").text

    for name, text in told.items():
        assert "0.912" not in text, name
        assert re.search(r"0\.9\b|0\.900", text), name
        assert "holdout" not in text, name
    assert "0.912" in exact


def _leaks(site: Site) -> tuple[list[str], list[str]]:
    """Return the bits of the open phase, and what a team is shown in it."""
    page = site.browser(site.organiser).get("/challenges/digits/leaks").text
    rows = page.split('<th scope="row">Development</th>')[1:]
    bits, told = (
        [
            re.sub(r"<[^>]*>|\s+", " ", cell).strip()
            for cell in row.partition("</tr>")[0].split("</td>")[:-1]
        ]
        for row in rows
    )
    return bits, told


def test_organisers_see_how_much_could_leak(site: Site) -> None:
    bits, told = _leaks(site)
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.hold_results, phase.total = True, 10

    fewer, held = _leaks(site)

    sealed = "written in steps of 5 minutes; seen by who keeps looking"
    beside = "only runs that tell scores: others have other nodes"
    assert told == ["of 3 columns", "shown as one", sealed, beside]
    assert held == ["of 3 columns", "shown as one", "held back to steps of 5 minutes", beside]
    assert (bits[0], fewer[0]) == ("103", "13")
    # Three columns of 1001 values each; two runs of an hour in steps of five seconds, and of five minutes.
    assert bits[1:4] == ["29.9", "0.0", "10.5"]
    assert fewer[1:4] == ["29.9", "0.0", "4.6"]
    assert float(fewer[-1].replace(",", "")) < float(bits[-1].replace(",", "")) / 7


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        pytest.param({"shown": ["accuracy", "brier"]}, "of 2 columns", id="two of them"),
        pytest.param({"audience": Audience.OWN}, "of 3 columns", id="each team its own"),
        pytest.param({"audience": Audience.ORGANISERS}, "none", id="for organisers"),
        pytest.param({"ranking": {"by": "holdout"}}, "none", id="by a private column"),
        pytest.param({"reveal_at": NOW + DAY}, "of 3 columns", id="revealed in the phase"),
        pytest.param({"reveal_at": NOW + 400 * DAY}, "none", id="revealed after it"),
    ],
)
def test_what_is_counted_is_what_any_board_shows_where_the_pages_show_no_score(
    site: Site, values: dict[str, Any], columns: str
) -> None:
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        phase.feedback, phase.leaderboard = "none", Audience.ORGANISERS
        usual = {"audience": Audience.PUBLIC}
        factories.add_board(
            session, site.digits.challenge, "more", "More", ["dev"], **(usual | values)
        )

    assert _leaks(site)[1][0] == columns


def test_a_column_that_no_task_of_the_phase_gives_is_not_counted(site: Site) -> None:
    with site.context.database.writing() as session:
        first = session.get_one(Task, site.digits.task.id)
        values = {
            one.key: getattr(first, one.key)
            for one in Task.__mapper__.column_attrs
            if one.key not in {"id", "slug"}
        }
        session.add(Task(id="t" * 20, slug="other", **values))
        session.flush()
        column = session.scalars(select(Column).where(Column.key == "brier")).one()
        column.task_id = "t" * 20

    assert _leaks(site)[1][0] == "of 2 columns"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Separation.TURNS),
        ({"exclusive": True}, Separation.ALONE),
        ({"sample": "small"}, Separation.NODES),
    ],
    ids=["turns", "alone", "nodes"],
)
def test_organisers_see_what_keeps_others_from_being_beside_a_run(
    site: Site, changes: dict[str, Any], expected: Separation
) -> None:
    """There are runs on the sample, and images are made on other nodes."""
    resources = site.context.resources
    gpu = resources.profiles["gpu-small"]
    small = replace(gpu, name="small", partition="small")
    there = replace(
        resources,
        profiles={"gpu-small": replace(gpu, **changes), "small": small},
        build_profiles={"main": "small"},
    )
    with site.context.database.writing() as session:
        session.get_one(Task, site.digits.task.id).sample_sha256 = factories.add_blob(session, "s")

    with site.context.database.reading() as session:
        actor = Actor(person_id=site.organiser.id, name="Orla")
        page = leak_page(session, actor=actor, slug="digits", resources=there, now=NOW)

    assert {one.separation for one in page.phases} == {expected}


@pytest.mark.parametrize(
    ("values", "attempts"),
    [
        # Sixty days touch 61 days and 10 weeks at most; sealed phases spare three.
        ({"per_week": 2}, 10 * 2 + 3),
        ({"per_week": 2, "per_day": 1, "total": 15}, 15 + 3),
        ({"per_week": 2, "failed_per_day": 4}, 10 * 2 + 3),
        ({"per_week": 2, "failed_per_day": 4, "failures": Failures.TYPED}, 10 * 2 + 61 * 4),
        ({"per_week": 2, "takes_late": True}, None),
        ({"total": 9, "takes_late": True}, 9 + 3),
        ({"per_day": 1, "takes_late": True, "late_until": NOW + 50 * DAY}, 71 + 3),
    ],
)
def test_every_limit_bounds_the_answers(
    site: Site, values: dict[str, Any], attempts: int | None
) -> None:
    given = 5
    with site.context.database.writing() as session:
        phase = session.get_one(Phase, site.digits.dev.id)
        for name, value in ({"per_day": None, "total": None} | values).items():
            setattr(phase, name, value)
        for name, number in (("Team Eve", given), ("Team Ada", 1)):
            session.add(
                ExtraTries(
                    id=new_id(NOW), phase_id=phase.id, number=number, reason="So.",
                    team_id=session.scalars(select(Team.id).where(Team.name == name)).one(),
                    given_by=site.organiser.id, given_at=NOW,
                )
            )  # fmt: skip

    with site.context.database.reading() as session:
        actor = Actor(person_id=site.organiser.id, name="Orla")
        page = leak_page(
            session, actor=actor, slug="digits", resources=factories.resources(), now=NOW
        )

    [dev] = [one for one in page.phases if one.slug == "dev"]
    assert dev.channel.attempts == (None if attempts is None else attempts + given)


def test_only_those_who_may_review_see_it(site: Site) -> None:
    path = "/challenges/digits/leaks"

    assert site.browser(site.ada).get(path).status_code == 404
    assert site.browser(site.staff).get(path).status_code == 200


def test_organisers_see_which_column_tells_most_and_how_large_the_data_is(site: Site) -> None:
    with site.context.database.writing() as session:
        column = session.scalars(select(Column).where(Column.key == "accuracy")).one()
        column.minimum = None
        task = session.get_one(Task, site.digits.task.id)
        data = site.context.resources.data[task.input_data]
        session.add(
            DataSnapshot(
                id="1" * 20, name=data.name, cluster=task.cluster, path=str(data.path),
                state=SnapshotState.READY, root="0" * 64, fingerprint="0" * 64, files=1, size=2048,
                created_at=NOW, measured_at=NOW,
            )
        )  # fmt: skip

    resources = site.context.resources
    measured = {data.name: replace(data, measure=True)}
    site.change(resources=replace(resources, data=measured))
    page = " ".join(site.browser(site.organiser).get("/challenges/digits/leaks").text.split())

    told = r'<th scope="row">([^<]+)</th> <td class="number">([\d,.]+)</td> <td>([^<]+)'
    rows = re.findall(told, page)
    assert rows[0] == ("Accuracy", "64.0", "bounds: ")
    assert [row[2] for row in rows[1:]] == ["fewer digits: "] * (len(rows) - 1)
    bits = [float(row[1]) for row in rows]
    assert bits == sorted(bits, reverse=True)
    assert "The private data that was measured has 2 KiB, which is 16,384 bits" in page


def test_the_coarse_end_of_a_run_is_told_as_one(site: Site) -> None:
    submission = _submission(site, state=E.SCORED)
    page = f"/submissions/{submission}/progress"

    told = site.browser(site.ada).get(page).text
    with site.context.database.writing() as session:
        session.get_one(Phase, site.digits.dev.id).failures = Failures.TYPED
    exact = site.browser(site.ada).get(page).text

    assert len(re.findall(r'<time class="way-time"[^>]*>by \d', told)) == 1
    assert "The end of a run is shown in whole steps" in told
    assert ">by " not in exact
    assert "whole steps" not in exact
