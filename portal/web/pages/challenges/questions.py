"""Questions to the organisers of a challenge: asked by participants, answered by organisers."""

from collections.abc import Callable

from starlette.responses import Response

from portal.domain.challenges.announcements import MAX_TEXT_BYTES, MAX_TITLE_CHARS
from portal.domain.challenges.questions import MAX_NOTE_CHARS, QuestionState
from portal.domain.errors import NotAllowedError, NotFoundError, ParticipantError
from portal.services.challenges import question_views, questions
from portal.web.errors import status_of
from portal.web.local_paths import with_query
from portal.web.rendering.labels import label
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads.submit_form import Filled

MAX_SEARCH_CHARS = 200
AUDIENCES = ("public", "private")


def show(request: PageRequest) -> Response:
    """Show the questions that the person reads."""
    given = request.http.query_params
    words = given.get("q", "")[:MAX_SEARCH_CHARS].replace("\0", "").strip()
    wanted = given.get("state", "")
    view = request.read(
        question_views.questions_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        wanted=wanted,
        words=words,
        page=request.page_number(),
        now=request.now,
    )
    asked = {name: value for name, value in (("q", words), ("state", wanted)) if value}
    states = [*((one, label(one).word) for one in QuestionState), ("all", "All")]
    return request.page(
        "challenges/questions.html",
        view=view,
        frame=view.frame,
        words=words,
        wanted=wanted or QuestionState.WAITING,
        states=states,
        query=with_query("", **asked) + "&" if asked else "?",
        longest=MAX_SEARCH_CHARS,
    )


def one(request: PageRequest) -> Response:
    """Show one question, and to organisers what they can do with it."""
    return _page(request, None)


def write(request: PageRequest) -> Response:
    """Show the form that asks something."""
    return _form(request, Filled())


def ask(request: PageRequest, fields: Fields) -> Response:
    """Ask something."""
    filled = Filled(values={name: fields.get(name, "") for name in ("title", "text")})
    try:
        question_id = request.write(
            questions.ask,
            actor=request.actor,
            slug=request.path_param("slug"),
            title=filled.value("title"),
            text=filled.value("text"),
            now=request.now,
            by_mail=request.context.sends_mail,
        )
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _form(request, filled.refused(refusal), status_of(refusal))
    return request.redirect(f"{_root(request)}/{question_id}")


def answer(request: PageRequest, fields: Fields) -> Response:
    """Answer a question, or change its answer."""
    names = ("title", "text", "answer", "for")
    filled = Filled(values={name: fields.get(name, "") for name in names})
    if filled.value("for") not in AUDIENCES:
        wrong = Filled(values=filled.values, errors={"for": "Choose who reads the answer."})
        return _page(request, wrong, 422)

    def act() -> None:
        request.write(
            questions.answer,
            actor=request.actor,
            slug=request.path_param("slug"),
            question_id=request.path_param("id"),
            answer=filled.value("answer"),
            is_public=filled.value("for") == "public",
            title=filled.value("title"),
            text=filled.value("text"),
            now=request.now,
            by_mail=request.context.sends_mail,
        )

    return _act(request, filled, act)


def end(request: PageRequest, fields: Fields) -> Response:
    """Hide or close a question, with a reason."""
    filled = Filled(values={name: fields.get(name, "") for name in ("note", "to")})
    to = filled.value("to")
    if to not in set(QuestionState):
        wrong = Filled(values=filled.values, errors={"": "Choose whether to hide or to close it."})
        return _page(request, wrong, 422)

    def act() -> None:
        request.write(
            questions.end,
            actor=request.actor,
            slug=request.path_param("slug"),
            question_id=request.path_param("id"),
            state=QuestionState(to),
            note=filled.value("note"),
            now=request.now,
        )

    return _act(request, filled, act)


def reopen(request: PageRequest, fields: Fields) -> Response:
    """Take back that a question was hidden or closed."""
    del fields

    def act() -> None:
        request.write(
            questions.reopen,
            actor=request.actor,
            slug=request.path_param("slug"),
            question_id=request.path_param("id"),
            now=request.now,
        )

    return _act(request, Filled(), act)


def _act(request: PageRequest, filled: Filled, act: Callable[[], None]) -> Response:
    try:
        act()
    except (NotFoundError, NotAllowedError):
        raise
    except ParticipantError as refusal:
        return _page(request, filled.refused(refusal), status_of(refusal))
    return request.redirect(f"{_root(request)}/{request.path_param('id')}")


def _page(request: PageRequest, filled: Filled | None, status: int = 200) -> Response:
    view = request.read(
        question_views.question_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        question_id=request.path_param("id"),
        now=request.now,
    )
    item = view.item
    was = {"title": item.title, "text": item.text, "answer": item.answer, "note": item.note}
    if item.answer:
        was["for"] = "public" if item.state is QuestionState.ANSWERED else "private"
    values = was | (dict(filled.values) if filled else {})
    return request.page(
        "challenges/question.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=Filled(values=values, errors=filled.errors if filled else {}),
        max_title_chars=MAX_TITLE_CHARS,
        max_text_bytes=MAX_TEXT_BYTES,
        max_note_chars=MAX_NOTE_CHARS,
    )


def _form(request: PageRequest, filled: Filled, status: int = 200) -> Response:
    frame = request.read(
        question_views.ask_page,
        actor=request.actor,
        slug=request.path_param("slug"),
        now=request.now,
    )
    return request.page(
        "challenges/ask.html",
        status=status,
        frame=frame,
        filled=filled,
        max_title_chars=MAX_TITLE_CHARS,
        max_text_bytes=MAX_TEXT_BYTES,
    )


def _root(request: PageRequest) -> str:
    return f"/challenges/{request.path_param('slug')}/q-and-a"
