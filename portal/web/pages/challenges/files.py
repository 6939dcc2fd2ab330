"""Pictures of a challenge's pages, and what people can download."""

from starlette.responses import Response

from portal.domain.errors import NotFoundError, OperatorError
from portal.files.store import StoreError
from portal.services.challenges import files
from portal.web import stored_files
from portal.web.request_context import PageRequest
from site_config.pictures import media_type_of


def show(request: PageRequest) -> Response:
    """List what can be downloaded."""
    view = request.read(
        files.files_page, actor=request.actor, slug=request.path_param("slug"), now=request.now
    )
    return request.page("challenges/files.html", view=view, frame=view.frame)


def picture(request: PageRequest) -> Response:
    """Answer with a picture that a page shows."""
    sha256 = request.read(
        files.picture,
        actor=request.actor,
        slug=request.path_param("slug"),
        path=request.path_param("path"),
    )
    return stored_files.stored_file(
        request.http, request.context.store, sha256, media_type=_media_type(request, sha256)
    )


def _media_type(request: PageRequest, sha256: str) -> str:
    """Return what a picture is by its own bytes: never anything that a browser would run."""
    try:
        with request.context.store.open(sha256) as file:
            found = media_type_of(file.read(12))
    except (FileNotFoundError, StoreError) as problem:
        raise OperatorError(f"a picture of a challenge cannot be read: {problem}") from problem
    if found is None:
        raise NotFoundError
    return found


def download(request: PageRequest) -> Response:
    """Answer with a file to be saved, or a part of it."""
    return stored_files.download(request, request.path_param("slug"), request.path_param("name"))
