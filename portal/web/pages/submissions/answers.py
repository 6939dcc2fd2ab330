"""Changing the answers of a submission."""

from starlette.responses import Response

from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.domain.submissions.questions import FIELD, AnswersError
from portal.services.submissions.questions import answers
from portal.services.submissions.questions.answers import AnswersPage
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled


def show(request: PageRequest) -> Response:
    """Show the form with the answers that there are."""
    view = _view(request)
    return _page(request, view, Filled(values=view.written))


def change(request: PageRequest, fields: Fields) -> Response:
    """Change the answers, or show the form again with what is wrong. A box that is not there was not ticked."""
    view = _view(request)
    values = {
        question.field: fields.get(question.field, "").replace("\r\n", "\n")
        for question, _ in view.open
    }
    try:
        request.write(
            answers.change,
            actor=request.actor,
            submission_id=view.submission_id,
            written={name.removeprefix(FIELD): value for name, value in values.items()},
            now=request.now,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except AnswersError as refusal:
        wrong = {f"{FIELD}{key}": message for key, message in refusal.errors.items()}
        return _page(request, view, Filled(values=values, errors=wrong), status=422)
    except ParticipantError as refusal:
        return _page(request, view, Filled(errors={"": refusal.message}), status=422)
    return request.redirect(f"/submissions/{view.submission_id}")


def _view(request: PageRequest) -> AnswersPage:
    return request.read(
        answers.answers_page,
        actor=request.actor,
        submission_id=request.path_param("id"),
        now=request.now,
    )


def _page(
    request: PageRequest, view: AnswersPage, filled: Filled, *, status: int = 200
) -> Response:
    return request.page("submissions/answers.html", status=status, view=view, filled=filled)
