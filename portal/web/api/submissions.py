"""Submitting, and what becomes of it, for programs."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Header, Response

from portal.domain.evaluations.jobs import JobKind
from portal.domain.submissions.timeline import Step
from portal.services.submissions import views as submission_views
from portal.services.submissions.disclosure import EvaluationFacts, ListedSubmission, MarkFacts
from portal.services.submissions.idempotency import MAX_KEY_CHARS
from portal.services.submissions.log_release import ReleasedLog
from portal.services.submissions.questions.answers import AnswerFacts
from portal.services.submissions.run_logs import LogFacts
from portal.services.submissions.views import SubmissionPage
from portal.web.api import models
from portal.web.api.calls import Call, Id, PageNumber, Reading, Slug, Submitting
from portal.web.api.challenges import columns
from portal.web.uploads.submit import receive_submission


async def submit(
    call: Submitting,
    slug: Slug,
    response: Response,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            max_length=MAX_KEY_CHARS,
            description="Your own name for this submission: sent again, the call makes no other.",
        ),
    ] = "",
) -> models.Made:
    """Submit a file, as `multipart/form-data`."""
    made = await receive_submission(call, slug, key=idempotency_key)
    return call.made(response, made.id, _path(made.id))


def submissions(call: Reading, slug: Slug, page: PageNumber = 1) -> models.Submissions:
    """List your team's submissions.

    With the scope `organise`, those who work for the challenge see every team's.
    """
    found = call.read(
        submission_views.submission_list,
        actor=call.actor,
        slug=slug,
        page=page,
        now=call.now,
    )
    return models.Submissions(
        columns=columns(found.columns),
        items=[models.SubmissionItem(**_item(call, row)) for row in found.rows],
        **call.place(found.pages),
    )


def submission(call: Reading, submission_id: Id) -> models.Submission:
    """Show a submission: its state, its steps, why it failed, its scores."""
    page = call.read(
        submission_views.submission_page,
        actor=call.actor,
        submission_id=submission_id,
        resources=call.context.resources,
        now=call.now,
    )
    return models.Submission(
        **_item(call, _as_listed(page)),
        challenge=page.challenge_slug,
        is_settled=page.is_settled,
        evaluations=[_evaluation(evaluation) for evaluation in page.evaluations],
        logs=[log for released in page.released_logs for log in _logs(released)]
        + [_smoke_log(log) for log in page.smoke_logs],
    )


def _logs(released: ReleasedLog) -> list[models.Log]:
    return [
        models.Log(
            job=released.kind,
            attempt=released.number,
            stream=one.stream,
            text=one.text,
            truncated=one.truncated,
            released_at=released.released_at,
            reason=released.reason,
        )
        for one in released.streams
    ]


def _smoke_log(log: LogFacts) -> models.Log:
    return models.Log(
        job=JobKind.PREDICT,
        attempt=None,
        stream=log.stream,
        text=log.text,
        truncated=log.truncated,
        released_at=None,
        reason="",
    )


def _as_listed(page: SubmissionPage) -> ListedSubmission:
    return ListedSubmission(facts=page.facts, state=page.state, scores=page.scores)


def _item(call: Call, row: ListedSubmission) -> dict[str, Any]:
    facts = row.facts
    return {
        "id": facts.id,
        "url": call.url(_path(facts.id)),
        "phase": facts.phase_slug,
        "kind": facts.kind,
        "smoke": facts.is_smoke,
        "state": row.state,
        "scores": row.scores,
        "team": facts.team,
        "person": facts.person,
        "filename": facts.filename,
        "size": facts.size,
        "sha256": facts.sha256,
        "note": facts.note,
        "answers": answer_values(facts.answers),
        "counts": facts.counts,
        "late": facts.is_late,
        "marks": mark_facts(facts.marks),
        "created_at": facts.created_at,
    }


def answer_values(found: Iterable[AnswerFacts]) -> dict[str, str | float | bool]:
    """Return answers as the API shows them."""
    return {one.key: one.value for one in found if one.value is not None}


def mark_facts(found: Iterable[MarkFacts]) -> list[models.MarkFacts]:
    """Return marks as the API shows them."""
    return [
        models.MarkFacts(mark=one.mark, reason=one.reason, made_at=one.made_at) for one in found
    ]


def _evaluation(facts: EvaluationFacts) -> models.Evaluation:
    queue, failure = facts.queue, facts.failure
    return models.Evaluation(
        task=facts.task,
        state=facts.state,
        steps=[_step(step) for step in facts.steps],
        queue=models.Queue(
            queued_at=queue.queued_at,
            position=queue.position,
            expected_at=queue.expected_at,
            why=queue.why,
            confirmed_at=queue.confirmed_at,
        )
        if queue
        else None,
        failure=models.Failure(
            reason=facts.reason,
            title=failure.title,
            advice=failure.advice,
            message=facts.message,
            counts=failure.counts,
        )
        if failure and facts.reason
        else None,
        scores=facts.scores,
    )


def _step(step: Step) -> models.Step:
    return models.Step(title=step.title, state=step.state, at=step.at)


def _path(submission_id: str) -> str:
    return f"/submissions/{submission_id}"
