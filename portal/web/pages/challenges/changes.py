"""Changing a challenge: a zip of all of it, another file, or a text that is written here."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from portal.domain.challenges.revisions import MAX_MESSAGE_CHARS, SETTINGS
from portal.services.challenges.bundles import views
from portal.services.challenges.bundles.views import ChangePage
from portal.web.request_context import Fields, PageRequest
from portal.web.uploads import bundles, phase_form
from portal.web.uploads.submit import SubmissionRejectedError
from portal.web.uploads.submit_form import Filled
from site_config.authoring.editing import NotEditableError, with_phases
from site_config.bundle import PAGE_LIMIT, settings_of

BY_HAND = "challenge.yaml is written in a way that a form cannot change. Change it there."


def show(request: PageRequest) -> Response:
    """Show what the challenge consists of, and the forms that propose something else."""
    return _page(request, Filled(), ())


async def upload(request: PageRequest) -> Response:
    """Propose a zipped bundle or one file of it, or show what is wrong with that."""
    if (elsewhere := request.login_redirect()) is not None:
        return elsewhere
    slug = request.path_param("slug")
    try:
        number = await bundles.take_file(request, slug)
    except SubmissionRejectedError as refusal:
        filled = Filled(values=refusal.values, errors=refusal.errors)
        return await run_in_threadpool(
            _page, request, filled, refusal.problems, status=refusal.status
        )
    return request.redirect(f"/challenges/{slug}/revisions/{number}")


def edit(request: PageRequest) -> Response:
    """Show a text in a form."""
    view = _view(request)
    path = request.http.query_params.get("path", SETTINGS)
    text = bundles.text_of(request, view, path)
    return _editor(request, view, path, Filled(values={"text": text}), ())


def save(request: PageRequest, fields: Fields) -> Response:
    """Propose a text as it was written, or show it again with what is wrong."""
    slug, path = request.path_param("slug"), fields.get("path", SETTINGS)
    text = fields.get("text", "").replace("\r\n", "\n")
    message = fields.get("message", "").strip()
    try:
        number = bundles.take_text(request, slug, path=path, text=text, message=message)
    except SubmissionRejectedError as refusal:
        filled = Filled(values={"text": text, "message": message}, errors=refusal.errors)
        return _editor(
            request, _view(request), path, filled, refusal.problems, status=refusal.status
        )
    return request.redirect(f"/challenges/{slug}/revisions/{number}")


def edit_phases(request: PageRequest) -> Response:
    """Show the dates and limits of the phases in a form."""
    view = _view(request)
    phases = settings_of(view.content.settings).phases
    return _phases(request, view, Filled(values=phase_form.shown(phases)), ())


def save_phases(request: PageRequest, fields: Fields) -> Response:
    """Propose other dates and limits, or show the form again with what is wrong."""
    view, slug = _view(request), request.path_param("slug")
    before = view.content.settings
    form = phase_form.read(settings_of(before).phases, fields)
    filled = Filled(values=fields, errors=form.errors)
    if form.errors:
        return _phases(request, view, filled, (), status=422)
    try:
        text = with_phases(before, form.changes)
        message = fields.get("message", "").strip()
        number = bundles.take_text(request, slug, path=SETTINGS, text=text, message=message)
    except NotEditableError:
        wrong = Filled(values=fields, errors={"": BY_HAND})
        return _phases(request, view, wrong, (), status=422)
    except SubmissionRejectedError as refusal:
        wrong = Filled(values=fields, errors=refusal.errors)
        return _phases(request, view, wrong, refusal.problems, status=refusal.status)
    return request.redirect(f"/challenges/{slug}/revisions/{number}")


def _view(request: PageRequest) -> ChangePage:
    return request.read(
        views.change_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )


def _page(
    request: PageRequest, filled: Filled, problems: tuple[str, ...], *, status: int = 200
) -> Response:
    view = _view(request)
    return request.page(
        "challenges/change.html",
        status=status,
        view=view,
        frame=view.frame,
        filled=filled,
        problems=problems,
        upload_limit=request.context.resources.upload_limit,
        longest=MAX_MESSAGE_CHARS,
    )


def _phases(
    request: PageRequest,
    view: ChangePage,
    filled: Filled,
    problems: tuple[str, ...],
    *,
    status: int = 200,
) -> Response:
    return request.page(
        "challenges/change_phases.html",
        status=status,
        view=view,
        frame=view.frame,
        phases=settings_of(view.content.settings).phases,
        filled=filled,
        problems=problems,
        longest=MAX_MESSAGE_CHARS,
    )


def _editor(
    request: PageRequest,
    view: ChangePage,
    path: str,
    filled: Filled,
    problems: tuple[str, ...],
    *,
    status: int = 200,
) -> Response:
    return request.page(
        "challenges/change_text.html",
        status=status,
        view=view,
        frame=view.frame,
        path=path,
        filled=filled,
        problems=problems,
        largest=PAGE_LIMIT,
        longest=MAX_MESSAGE_CHARS,
    )
