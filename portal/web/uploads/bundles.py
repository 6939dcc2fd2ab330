"""Taking a bundle, or a part of one, as a proposal: one way, for the pages and for the API."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from portal.domain.challenges.revisions import SETTINGS, Origin
from portal.domain.errors import NotFoundError, OperatorError, ParticipantError
from portal.files.bundles.intake import Intake
from portal.files.errors import BadArchiveError
from portal.files.store import DamagedFileError, StorageFullError
from portal.services.challenges.bundles import checks, creation, proposals, reading
from portal.services.challenges.bundles.import_bundle import BundleContent, TakenIn
from portal.services.challenges.bundles.reading import Changes, LaidOut
from portal.services.challenges.bundles.revisions import RevisionContent
from portal.services.challenges.bundles.views import ChangePage
from portal.web.errors import reason_of, status_of
from portal.web.request_context import PageRequest
from portal.web.uploads.received_form import ReceivedForm
from portal.web.uploads.submit import (
    HTTP_422,
    SubmissionRejectedError,
    inspections,
    no_room,
    receive_file,
)
from site_config.bundle import PAGE_LIMIT, read_page, text_files
from site_config.errors import Problem, SettingsError
from site_config.pictures import MAX_PICTURE_BYTES

NO_FILE = "Choose a file. It must not be empty."
NOTHING_KEPT = "The challenge is as it was: this has to be mended first."
NO_SUCH_FILE = "challenge.yaml names no file {path}."
BACK = "Back to revision {number}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """A bundle with which nothing is wrong."""

    laid: LaidOut
    material: BundleContent


async def take_file(request: PageRequest, slug: str, *, origin: Origin = Origin.PAGE) -> int:
    """Propose the file in the request's body: a zipped bundle, or with ``path`` one file of it; return the number.

    Nothing is read from somebody who may not propose. Raises ``SubmissionRejectedError``, and ``NotFoundError`` or
    ``NotAllowedError``.
    """
    held = await run_in_threadpool(_held, request, slug)
    return await _taken(request, partial(_propose_file, request, slug, held, origin))


async def take_new(request: PageRequest, *, origin: Origin = Origin.PAGE) -> str:
    """Make a new challenge of the zipped bundle in the request's body, as a draft; return its slug.

    Nothing is read from somebody who may not. Raises ``SubmissionRejectedError`` and ``NotFoundError``.
    """
    creation.check_may_create(request.actor, everybody=request.context.everybody_creates)
    return await _taken(request, partial(_create, request, origin))


async def _taken(request: PageRequest, take: Callable[[ReceivedForm], T]) -> T:
    """Read the form in the request's body, and give it to ``take`` when its turn to be looked through has come."""
    received = await receive_file(request)
    try:
        if not received.has_file:
            raise SubmissionRejectedError(
                HTTP_422, "incomplete", {"file": NO_FILE}, received.fields
            )
        async with inspections(request):
            return await run_in_threadpool(take, received)
    finally:
        # Without effect on what was kept.
        await received.drop()


def take_text(request: PageRequest, slug: str, *, path: str, text: str, message: str) -> int:
    """Propose another text of ``challenge.yaml`` or of a page; return the number. Raises as ``take_file`` does."""
    held = _held(request, slug)
    changes = (
        Changes(settings=text)
        if path == SETTINGS
        else Changes(texts={_known(held, path, {"text": text}): text})
    )
    values = {"text": text, "message": message}
    with _refused_as_form(values), _apart(request) as intake:
        looked = _look(request, intake, _changed(request, intake, held, changes), values)
        return _propose(request, slug, intake, looked, message, Origin.PAGE)


def take_again(
    request: PageRequest, slug: str, number: int, *, origin: Origin = Origin.PAGE
) -> int:
    """Propose what an earlier revision was; return the number of the new one. Raises as ``take_file`` does."""
    with _as_it_was(request, slug, number) as (intake, looked):
        message = BACK.format(number=number)
        return _propose(request, slug, intake, looked, message, origin)


def apply(request: PageRequest, slug: str, number: int) -> TakenIn:
    """Let a proposal hold. Raises as ``take_file`` does."""
    with _as_it_was(request, slug, number) as (_, looked):
        return request.write(
            proposals.apply,
            actor=request.actor,
            slug=slug,
            number=number,
            described=looked.laid.bundle.challenge,
            material=looked.material,
            resources=request.context.resources,
            now=request.now,
        )


def text_of(request: PageRequest, view: ChangePage, path: str) -> str:
    """Return a text of what holds, to be edited. Raises ``NotFoundError`` for what is none."""
    if not any(file.path == path and file.is_text for file in view.files):
        raise NotFoundError
    if path == SETTINGS:
        return view.content.settings
    return _stored(request, view.content.files[path].sha256).decode("utf-8-sig", "replace")


def _held(request: PageRequest, slug: str) -> RevisionContent:
    return request.read(proposals.check_may_propose, actor=request.actor, slug=slug)


@contextmanager
def _as_it_was(request: PageRequest, slug: str, number: int) -> Iterator[tuple[Intake, _Looked]]:
    """Give a revision, laid out and looked at again: what the site offers may have changed since."""
    content = request.read(proposals.content_to_use, actor=request.actor, slug=slug, number=number)
    with _refused_as_form({}), _apart(request) as intake:
        yield intake, _look(request, intake, _changed(request, intake, content, Changes()), {})


def _propose_file(
    request: PageRequest,
    slug: str,
    held: RevisionContent,
    origin: Origin,
    received: ReceivedForm,
) -> int:
    values, path = received.fields, received.fields.get("path", "").strip()
    with _refused_as_form(values), _apart(request) as intake:
        if path and received.incoming is not None:
            changes = Changes(uploads={_known(held, path, values): received.incoming})
            laid = _changed(request, intake, held, changes)
        else:
            laid = _unzipped(request, intake, received)
        looked = _look(request, intake, laid, values)
        message = values.get("message", "").strip()
        return _propose(request, slug, intake, looked, message, origin)


def _create(request: PageRequest, origin: Origin, received: ReceivedForm) -> str:
    values = received.fields
    with _refused_as_form(values), _apart(request) as intake:
        looked = _look(request, intake, _unzipped(request, intake, received), values)
        intake.commit()
        taken = request.write(
            creation.create,
            actor=request.actor,
            described=looked.laid.bundle.challenge,
            material=looked.material,
            resources=request.context.resources,
            everybody=request.context.everybody_creates,
            origin=origin,
            now=request.now,
        )
        return taken.slug


def _propose(
    request: PageRequest,
    slug: str,
    intake: Intake,
    looked: _Looked,
    message: str,
    origin: Origin,
) -> int:
    # First to the store, where what nobody knows is removed after a while; then to the database.
    intake.commit()
    return request.write(
        proposals.propose,
        actor=request.actor,
        slug=slug,
        described=looked.laid.bundle.challenge,
        material=looked.material,
        resources=request.context.resources,
        message=message,
        origin=origin,
        now=request.now,
    )


@contextmanager
def _apart(request: PageRequest) -> Iterator[Intake]:
    """Give the place where a bundle is laid out; what is large of it goes to the store's."""
    with (
        tempfile.TemporaryDirectory(prefix="sealrun-bundle-") as place,
        Intake(request.context.store, Path(place)) as intake,
    ):
        yield intake


@contextmanager
def _refused_as_form(values: Mapping[str, str]) -> Iterator[None]:
    """Let whatever is wrong with a bundle be the refusal of the form that it came with."""
    try:
        yield
    except NotFoundError:
        raise
    except StorageFullError as error:
        raise no_room(error) from error
    except BadArchiveError as error:
        wrong = {"file": error.message}
        raise SubmissionRejectedError(HTTP_422, error.reason, wrong, values) from error
    except SettingsError as error:
        raise _rejected(error.problems, values) from error
    except ParticipantError as error:
        field = error.reason if error.reason == "message" else ""
        raise SubmissionRejectedError(
            status_of(error), reason_of(error), {field: error.message}, values
        ) from error


def _unzipped(request: PageRequest, intake: Intake, received: ReceivedForm) -> LaidOut:
    most = request.context.resources.upload_limit
    return reading.lay_zip(intake, received.written(), max_bytes=most)


def _changed(
    request: PageRequest, intake: Intake, content: RevisionContent, changes: Changes
) -> LaidOut:
    return reading.lay_changed(
        intake,
        content,
        changes,
        lambda sha256: _stored(request, sha256),
        max_bytes=request.context.resources.upload_limit,
    )


def _look(
    request: PageRequest, intake: Intake, laid: LaidOut, values: Mapping[str, str]
) -> _Looked:
    """Return a bundle with all that is to be written of it. Raises ``SubmissionRejectedError`` with what is wrong."""
    bundle = laid.bundle
    problems = checks.problems_of(bundle, request.context.resources, intake.written)
    if problems:
        raise _rejected(problems, values)
    return _Looked(
        laid=laid,
        material=BundleContent(
            texts={path: read_page(intake.place / path) for path in text_files(bundle.challenge)},
            all_of_it=RevisionContent(settings=laid.settings, files=intake.files()),
        ),
    )


def _rejected(
    problems: tuple[Problem, ...] | list[Problem], values: Mapping[str, str]
) -> SubmissionRejectedError:
    # By the name in the bundle: where it was laid out is nobody's business.
    lines = [
        str(Problem(file=Path(SETTINGS), line=one.line, key=one.key, message=one.message))
        if one.file.name == SETTINGS
        else str(one)
        for one in problems
    ]
    return SubmissionRejectedError(
        HTTP_422, "bad_bundle", {"": NOTHING_KEPT}, values, problems=lines
    )


def _known(held: RevisionContent, path: str, values: Mapping[str, str]) -> PurePosixPath:
    if path not in held.files:
        message = {"path": NO_SUCH_FILE.format(path=path[:200])}
        raise SubmissionRejectedError(HTTP_422, "no_such_file", message, values)
    return PurePosixPath(path)


def _stored(request: PageRequest, sha256: str) -> bytes:
    try:
        with request.context.store.open(sha256) as file:
            return file.read(max(PAGE_LIMIT, MAX_PICTURE_BYTES) + 1)
    except (FileNotFoundError, DamagedFileError, ValueError) as problem:
        raise OperatorError(f"a file of a bundle cannot be read: {problem}") from problem
