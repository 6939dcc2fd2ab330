"""Marks on submissions, for programs."""

from collections.abc import Iterable

from portal.domain.leaderboards.marks import Mark
from portal.services.submissions import marks
from portal.services.submissions.disclosure import MarkFacts
from portal.web.api import models
from portal.web.api.calls import Id, Organising, Submitting
from portal.web.api.submissions import mark_facts


def mark(call: Organising, submission_id: Id, wanted: models.MarkWanted) -> models.Marks:
    """Mark a submission to a challenge that you organise; its team reads why.

    `hidden` and `disqualified` take it off the leaderboard, `unranked` takes its rank, and `verified` is shown. The
    leaderboard follows at once. Doing it again changes nothing.
    """
    made = call.write(
        marks.mark,
        actor=call.actor,
        submission_id=submission_id,
        mark=wanted.mark,
        reason=wanted.reason,
        now=call.now,
    )
    return _marks(submission_id, made)


def unmark(
    call: Organising, submission_id: Id, mark: Mark, wanted: models.MarkRemoved
) -> models.Marks:
    """Take a mark off; the leaderboard is as if it had never been there. Doing it again changes nothing."""
    left = call.write(
        marks.unmark,
        actor=call.actor,
        submission_id=submission_id,
        mark=mark,
        reason=wanted.reason,
        now=call.now,
    )
    return _marks(submission_id, left)


def withdraw(call: Submitting, submission_id: Id) -> models.Marks:
    """Take a submission of your team off the leaderboard, until its phase ends.

    It still counts against the limits. Doing it again changes nothing.
    """
    made = call.write(marks.withdraw, actor=call.actor, submission_id=submission_id, now=call.now)
    return _marks(submission_id, made)


def reinstate(call: Submitting, submission_id: Id) -> models.Marks:
    """Take back that a submission of your team was withdrawn, until its phase ends.

    Doing it again changes nothing.
    """
    left = call.write(marks.reinstate, actor=call.actor, submission_id=submission_id, now=call.now)
    return _marks(submission_id, left)


def _marks(submission_id: str, found: Iterable[MarkFacts]) -> models.Marks:
    return models.Marks(id=submission_id, marks=mark_facts(found))
