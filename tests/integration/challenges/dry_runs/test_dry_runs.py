"""A dry run on a pretended cluster: from the form to the board, and what keeps a challenge from being published."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal import bootstrap
from portal.db.engine import Database
from portal.db.tables import (
    Attempt,
    AuditEntry,
    Challenge,
    DryRun,
    DryRunTrial,
    Evaluation,
    Job,
    Submission,
    Team,
)
from portal.domain.accounts.tokens import Scope
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.evaluations.states import FINAL_EVALUATIONS
from portal.domain.evaluations.verdicts import EX_DATAERR
from tests.support.trials import SECRET, add_trials
from tests.support.web.organised import ROOT, Organised
from tests.support.worker.pretended_node import good_predictions
from tests.support.worker.world import Clock, World, write_challenge, write_site

PAGE = f"{ROOT}/dry-run"
API = f"/api/v1{PAGE}"
MAX_PASSES = 400


def draft(organised: Organised, **changed: Any) -> World:
    """Let the challenge be a draft that is approved, and that names a baseline and a sample."""
    add_trials(organised.bundle, **changed)
    bootstrap.add_challenge(organised.world.site, organised.bundle)
    _step_back(organised)
    behave(organised.world, {"U-Net": 0.92})
    return organised.world


def _step_back(organised: Organised) -> None:
    with organised.context.database.writing() as session:
        session.scalars(select(Challenge)).one().state = ChallengeState.DRAFT


def behave(world: World, scores: Mapping[str, float], refused: int = EX_DATAERR) -> None:
    """Let what is named get a score; of all else ``crash.zip`` fails, and the scorer refuses the rest."""

    def name(output: Path) -> str:
        with world.database.reading() as session:
            found = session.scalar(
                select(DryRunTrial.name)
                .join(Submission, Submission.id == DryRunTrial.submission_id)
                .join(Evaluation, Evaluation.submission_id == Submission.id)
                .join(Job, Job.evaluation_id == Evaluation.id)
                .join(Attempt, Attempt.job_id == Job.id)
                .where(Attempt.token == output.parent.name)
            )
        return found or ""

    def predict(output: Path) -> int:
        return 3 if name(output) in {"crash.zip", "failing program"} else good_predictions(output)

    def score(output: Path) -> int:
        if (value := scores.get(name(output))) is None:
            return refused
        (output / "scores.json").write_text(json.dumps({"accuracy": value, "loss": 0.25}))
        return 0

    world.node.predict, world.node.score = predict, score


def run(world: World) -> None:
    """Let the cluster work until all of the dry runs has ended."""
    for _ in range(MAX_PASSES):
        with world.database.reading() as session:
            states = session.scalars(
                select(Evaluation.state)
                .join(Submission, Submission.id == Evaluation.submission_id)
                .join(DryRunTrial, DryRunTrial.submission_id == Submission.id)
            ).all()
        if all(state in FINAL_EVALUATIONS for state in states):
            return
        world.run()
    raise AssertionError("the dry run has not ended")


def made(organised: Organised) -> dict[str, Any]:
    """Make a dry run, and return what programs are answered."""
    sent = organised.browser("organiser").post(PAGE)
    assert (sent.status_code, sent.headers.get("location")) == (303, PAGE), sent.text
    run(organised.world)
    return answer(organised)


def answer(organised: Organised) -> dict[str, Any]:
    found: dict[str, Any] = organised.program("owner", Scope.ORGANISE).get(API).json()
    return found


def _row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in found["report"]["trials"] if row["name"] == name)


def _publish(organised: Organised) -> tuple[int, str]:
    sent = organised.browser("owner").post(f"{ROOT}/state", data={"to": "published"})
    return sent.status_code, sent.text


def test_a_dry_run_that_is_right_lets_the_challenge_be_published(organised: Organised) -> None:
    draft(organised)
    before = _publish(organised)

    found = made(organised)

    assert before[0] == 422
    assert "no dry run was made of them" in before[1]
    assert (found["baselines"], found["samples"], found["lacks"]) == (1, 1, "")
    report = found["report"]
    assert (report["number"], report["verdict"], report["is_current"]) == (1, "right", True)
    assert _row(found, "U-Net") | {"submission": ""} == {
        "name": "U-Net", "role": "baseline", "phase": "dev", "kind": "code", "submission": "",
        "expected": "accuracy from 0.900 to 0.950", "got": "Scored: accuracy 0.920, loss 0.250",
        "verdict": "right", "problem": "",
    }  # fmt: skip
    assert _row(found, "crash.zip")["got"] == "Your program ended with an error (exit_code)"
    roles = [row["role"] for row in report["trials"]]
    assert roles.count("attack") >= 15
    page = organised.browser("reviewer").get(PAGE).text
    assert "Dry run 1" in page
    assert "Start a dry run</button>" not in page
    assert SECRET not in page
    assert _publish(organised)[0] == 303


def test_nothing_of_it_competes_or_counts(organised: Organised) -> None:
    world = draft(organised)
    with organised.context.database.writing() as session:
        session.scalars(select(Challenge)).one().title = "Digits"
    made(organised)
    assert _publish(organised)[0] == 303
    member = organised.browser("member")

    pages = [member.get(f"{ROOT}{path}").text for path in ("", "/leaderboard", "/leaderboard.json")]

    assert all("U-Net" not in page and "Dry run" not in page for page in pages)
    owner = organised.browser("owner")
    assert ">Dry run<" not in owner.get(f"{ROOT}/participants").text.replace(
        f'href="{PAGE}">Dry run<', ""
    )
    with world.database.reading() as session:
        rows = session.scalars(
            select(Submission)
            .join(Team, Team.id == Submission.team_id)
            .where(Team.is_dry_run)
            .options(selectinload(Submission.evaluations))
        ).all()
    assert rows
    assert not any(row.counts for row in rows)
    assert {member.get(f"/submissions/{row.id}").status_code for row in rows[:3]} == {404}
    back = owner.post(f"{ROOT}/state", data={"to": "draft"})
    assert back.status_code == 303


def test_a_baseline_for_the_board_is_shown_there_without_a_rank(organised: Organised) -> None:
    world = draft(
        organised,
        baselines=[{"file": "baselines/unet.zip", "kind": "code", "title": "U-Net", "board": True}],
    )
    made(organised)
    visitor, board = organised.browser("member"), f"{ROOT}/leaderboard.json"
    before = organised.browser("owner").get(board).json()

    assert _publish(organised)[0] == 303

    submission = world.submit()
    world.node.score = lambda output: (
        (output / "scores.json").write_text('{"accuracy": 0.5, "loss": 1}') and 0
    )
    world.run_until_final(submission)
    rows = visitor.get(board).json()
    shown = json.dumps(rows)
    assert "Baseline" not in json.dumps(before)
    assert "Baseline: U-Net" in shown
    text = visitor.get(f"{ROOT}/leaderboard.csv").text.splitlines()
    assert [line.split(",")[:2] for line in text[1:]] == [["", "Baseline: U-Net"], ["1", "Ada"]]
    # What the portal submitted is no answer of a team: other results do not take its place.
    assert SECRET not in shown


POINTS = "the scorer gives points for an answer that nobody has worked for."
CALLED = (
    "The scorer failed where it should have refused the output with exit code 65: staff would be called each time, for"
    " what a team has brought about."
)


@pytest.mark.parametrize(
    ("scores", "refused", "name", "problem"),
    [
        ({"U-Net": 0.5}, EX_DATAERR, "U-Net", "Outside its bounds: accuracy."),
        (
            {"U-Net": 0.92, "garbage": 0.95}, EX_DATAERR, "garbage",
            f"0.950 in Accuracy is better than the baseline with 0.920: {POINTS}",
        ),
        (
            {"U-Net": 0.92, "constant answer": 0.9201}, EX_DATAERR, "constant answer",
            f"0.920 in Accuracy is as good as the baseline with 0.920: {POINTS}",
        ),
        ({"U-Net": 0.92}, 1, "garbage", CALLED),
    ],
    ids=["baseline", "cheat", "constant", "scorer"],
)  # fmt: skip
def test_what_is_wrong_is_said_and_keeps_it_from_being_published(
    organised: Organised, scores: dict[str, float], refused: int, name: str, problem: str
) -> None:
    world = draft(organised)
    behave(world, scores, refused)

    found = made(organised)

    assert (found["report"]["verdict"], _row(found, name)["verdict"]) == ("wrong", "wrong")
    assert _row(found, name)["problem"] == problem
    status, text = _publish(organised)
    assert status == 422
    assert "Dry run 1 did not end as it has to" in text


def test_a_cheat_below_the_baseline_is_right(organised: Organised) -> None:
    world = draft(organised)
    behave(world, {"U-Net": 0.92, "garbage": 0.1, "failing program": 0.0})

    found = made(organised)

    assert _row(found, "garbage")["verdict"] == "right"
    assert found["report"]["verdict"] == "right"


def test_an_owner_accepts_a_cheat_for_a_reason_and_nobody_else_does(organised: Organised) -> None:
    world = draft(organised)
    behave(world, {"U-Net": 0.92, "constant answer": 0.93})
    made(organised)
    accept = f"{PAGE}/1/accept"

    refused = [
        organised.browser(who).post(accept, data={"reason": "fair"}).status_code
        for who in ("member", "reviewer", "organiser")
    ]
    empty = organised.browser("owner").post(accept, data={"reason": " "})
    taken = organised.browser("owner").post(accept, data={"reason": "half of them are sevens"})
    again = organised.browser("owner").post(accept, data={"reason": "half of them are sevens"})

    assert refused == [404, 403, 403]
    assert (empty.status_code, taken.status_code, again.status_code) == (422, 303, 303)
    assert "half of them are sevens" in organised.browser("owner").get(PAGE).text
    with world.database.reading() as session:
        [entry] = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.CHEATS_ACCEPTED)
        )
    assert entry.detail == {"dry_run": 1, "reason": "half of them are sevens"}
    assert _publish(organised)[0] == 303


def test_a_wrong_baseline_cannot_be_accepted(organised: Organised) -> None:
    world = draft(organised)
    behave(world, {"U-Net": 0.1})
    made(organised)

    sent = organised.browser("owner").post(f"{PAGE}/1/accept", data={"reason": "never mind"})

    assert sent.status_code == 422
    assert "which the bundle has to mend" in sent.text


def test_another_scorer_makes_the_report_outdated_and_another_page_does_not(
    organised: Organised,
) -> None:
    draft(organised)
    made(organised)
    (organised.bundle / "overview.md").write_text("# Another overview\n")
    bootstrap.add_challenge(organised.world.site, organised.bundle)
    after_page = answer(organised)["report"]["is_current"]

    described = organised.described()
    described["tasks"]["digits"]["score"]["argv"] = ["/app/score", "--strict"]
    (organised.bundle / "challenge.yaml").write_text(json.dumps(described))
    bootstrap.add_challenge(organised.world.site, organised.bundle)

    assert (after_page, answer(organised)["report"]["is_current"]) == (True, False)
    refusal = _publish(organised)
    assert refusal[0] == 422
    assert "What runs is otherwise than in dry run 1." in refusal[1]


def test_while_one_runs_starting_leads_to_it_and_the_last_report_stays(
    organised: Organised,
) -> None:
    world = draft(organised)
    program = organised.program("organiser", Scope.ORGANISE)

    first = [program.post(API, json={}) for _ in range(2)]
    running = answer(organised)["report"]["verdict"]
    refusal = _publish(organised)
    run(world)
    second = program.post(API, json={})

    assert [one.json()["id"] for one in (*first, second)] == ["1", "1", "2"]
    assert running == "pending"
    assert "Dry run 1 has not ended." in refusal[1]
    assert program.get(API, params={"number": 1}).json()["report"]["verdict"] == "right"
    assert program.get(API).json()["report"]["number"] == 2
    assert program.get(API, params={"number": 3}).status_code == 404
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DryRun)) == 2


def test_it_is_made_of_drafts_that_are_approved(organised: Organised) -> None:
    draft(organised)
    owner = organised.browser("owner")

    def state(state: ChallengeState, *, is_approved: bool = True) -> None:
        with organised.context.database.writing() as session:
            row = session.scalars(select(Challenge)).one()
            row.state = state
            row.approved_at = row.created_at if is_approved else None

    answers = []
    for one, is_approved in (
        (ChallengeState.PUBLISHED, True),
        (ChallengeState.ARCHIVED, True),
        (ChallengeState.DRAFT, False),
    ):
        state(one, is_approved=is_approved)
        answers.append(owner.post(PAGE))

    assert [one.status_code for one in answers] == [422, 403, 422]
    assert "this one is published" in answers[0].text
    assert "This challenge is archived" in answers[1].text
    assert "Ask for a review first" in answers[2].text


def test_a_challenge_without_any_is_published_as_ever(organised: Organised) -> None:
    _step_back(organised)
    page = organised.browser("owner").get(PAGE).text

    assert "names no baselines and no samples" in page
    assert _publish(organised)[0] == 303


def test_a_new_challenge_that_names_some_is_added_as_a_draft(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    site = replace(bootstrap.open_site(write_site(tmp_path)), database=database, clock=clock)
    bundle = write_challenge(tmp_path / "challenge")
    add_trials(bundle)

    taken = bootstrap.add_challenge(site, bundle)

    assert taken.is_tried_first
    with database.reading() as session:
        assert session.scalars(select(Challenge.state)).one() is ChallengeState.DRAFT


def test_organisers_submit_themselves_to_a_draft(organised: Organised) -> None:
    world = draft(organised)

    submission = world.submit(by=organised.people["organiser"].id)

    assert world.run_until_final(submission).state in FINAL_EVALUATIONS
