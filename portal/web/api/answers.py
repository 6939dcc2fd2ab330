"""Answers to the questions of a challenge, for programs."""

from portal.domain.submissions.questions import as_field
from portal.services.submissions.questions import answers
from portal.web.api import models
from portal.web.api.calls import Id, Submitting
from portal.web.api.submissions import answer_values


def change(call: Submitting, submission_id: Id, wanted: models.AnswersWanted) -> models.Answers:
    """Change answers of a submission of your team, until each question closes. Doing it again changes nothing."""
    found = call.write(
        answers.change,
        actor=call.actor,
        submission_id=submission_id,
        written={key: as_field(value) for key, value in wanted.answers.items()},
        now=call.now,
    )
    return models.Answers(id=submission_id, answers=answer_values(found))
