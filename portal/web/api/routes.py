"""Every address of the API: what answers it, and what it takes beside its parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Response
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel

from portal.web.api import (
    announcements,
    answers,
    challenges,
    dry_runs,
    extra_tries,
    files,
    marks,
    picks,
    questions,
    revisions,
    submissions,
    teams,
    weights,
)
from portal.web.api.models import Error, ProposedBundle
from portal.web.middleware.bodies import TakesFile
from portal.web.uploads.submit_form import SubmitInput

CREATED = 201

REFUSALS = {
    401: "There is no token, or it does not work.",
    403: "The token does not have the scope, or its owner may not do this.",
    404: "There is no such thing, or it is not open to the token's owner.",
    422: "A value is missing, or is none that the call takes.",
    429: "Too often, or a limit of the phase: `Retry-After` says for how many seconds to wait, or from when on there is room.",
    500: "A fault of the portal.",
}
"""What every call can be answered."""

UPLOAD_REFUSALS = {
    400: "The form could not be read, or broke off.",
    413: "The file is larger than the site allows.",
    507: "The site has no room for uploads at the moment; nothing was kept.",
}
"""What a call with a file can be answered beside what every call can be."""

MADE: dict[str, Any] = {"headers": {"Location": {"schema": {"type": "string"}}}}
"""What a call that makes something answers beside the body."""

SCHEMAS = "#/components/schemas/{model}"
FILE = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "The file.",
}


class UploadCallRoute(TakesFile, APIRoute):
    """An address of the API that takes a file, which the endpoint reads from the request itself."""


def _router() -> APIRouter:
    router = APIRouter(responses=_refusals(REFUSALS), generate_unique_id_function=_name)
    _get(router, "/me", challenges.me)
    _get(router, "/challenges", challenges.challenges)
    _upload(router, "/challenges", revisions.create)
    _get(router, "/challenges/{slug}", challenges.challenge)
    _post(router, "/challenges/{slug}/state", challenges.step)
    _get(router, "/challenges/{slug}/revisions", revisions.revisions)
    _upload(router, "/challenges/{slug}/revisions", revisions.propose, form=ProposedBundle)
    _get(router, "/challenges/{slug}/revisions/{number}", revisions.revision)
    _post(router, "/challenges/{slug}/revisions/{number}/state", revisions.step_revision)
    _make(router, "/challenges/{slug}/revisions/{number}/again", revisions.again)
    _get(router, "/challenges/{slug}/files", files.files)
    _download(router, "/challenges/{slug}/files/{name}", files.file)
    _get(router, "/challenges/{slug}/dry-run", dry_runs.dry_run)
    _make(router, "/challenges/{slug}/dry-run", dry_runs.start)
    _post(router, "/challenges/{slug}/dry-run/{number}/accept", dry_runs.accept)
    _get(router, "/challenges/{slug}/announcements", announcements.announcements)
    _make(router, "/challenges/{slug}/announcements", announcements.announce)
    _get(router, "/challenges/{slug}/q-and-a", questions.questions)
    _make(router, "/challenges/{slug}/q-and-a", questions.ask)
    _post(router, "/challenges/{slug}/q-and-a/{id}/answer", questions.answer)
    _get(router, "/challenges/{slug}/leaderboard", challenges.leaderboard)
    _get(router, "/challenges/{slug}/submissions", submissions.submissions)
    _upload(router, "/challenges/{slug}/submissions", submissions.submit, form=SubmitInput)
    _get(router, "/challenges/{slug}/weights", weights.weights)
    _upload(router, "/challenges/{slug}/weights", weights.upload)
    _get(router, "/submissions/{id}", submissions.submission)
    _post(router, "/submissions/{id}/answers", answers.change)
    _post(router, "/submissions/{id}/marks", marks.mark)
    _post(router, "/submissions/{id}/marks/{mark}/remove", marks.unmark)
    _post(router, "/submissions/{id}/withdraw", marks.withdraw)
    _post(router, "/submissions/{id}/reinstate", marks.reinstate)
    _post(router, "/submissions/{id}/pick", picks.pick)
    _post(router, "/submissions/{id}/unpick", picks.unpick)
    _post(router, "/challenges/{slug}/admissions", teams.admit_team)
    _get(router, "/challenges/{slug}/tries", extra_tries.given)
    _post(router, "/challenges/{slug}/tries", extra_tries.give)
    _get(router, "/challenges/{slug}/teams", teams.teams)
    _get(router, "/challenges/{slug}/participants", teams.participants)
    _post(router, "/challenges/{slug}/participants/{person}/admit", teams.admit)
    _post(router, "/challenges/{slug}/participants/{person}/decline", teams.decline)
    _post(router, "/challenges/{slug}/participants/{person}/remove", teams.remove)
    _post(router, "/challenges/{slug}/participants/{person}/ban", teams.ban)
    _post(router, "/challenges/{slug}/participants/{person}/lift-ban", teams.lift_ban)
    return router


def _name(route: APIRoute) -> str:
    """Return a name of its own for programs that are made from the description."""
    return f"{min(route.methods or ()).lower()}_{route.name}"


def _refusals(meanings: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": Error, "description": meaning} for status, meaning in meanings.items()
    }


def _get(router: APIRouter, path: str, endpoint: Callable[..., Any]) -> None:
    router.add_api_route(path, endpoint, methods=["GET"])


def _download(router: APIRouter, path: str, endpoint: Callable[..., Any]) -> None:
    content = {"application/octet-stream": {"schema": FILE}}
    router.add_api_route(
        path,
        endpoint,
        methods=["GET"],
        response_class=Response,
        responses={200: {"content": content, "description": "The file, or a part of it."}},
    )


def _post(router: APIRouter, path: str, endpoint: Callable[..., Any]) -> None:
    router.add_api_route(path, endpoint, methods=["POST"])


def _make(router: APIRouter, path: str, endpoint: Callable[..., Any]) -> None:
    router.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        status_code=CREATED,
        responses={CREATED: MADE},
    )


def _upload(
    router: APIRouter, path: str, endpoint: Callable[..., Any], form: type[BaseModel] | None = None
) -> None:
    responses = _refusals(UPLOAD_REFUSALS)
    responses[CREATED] = MADE
    router.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        status_code=CREATED,
        responses=responses,
        openapi_extra={"requestBody": _multipart(form)},
        route_class_override=UploadCallRoute,
    )


def _multipart(form: type[BaseModel] | None) -> dict[str, Any]:
    """Describe a form with a file. FastAPI does not know of it: it would read the whole body before the token."""
    schema = form.model_json_schema(ref_template=SCHEMAS) if form else {}
    described = {
        "type": "object",
        "properties": {**schema.get("properties", {}), "file": FILE},
        "required": [*schema.get("required", []), "file"],
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": described}}}


ROUTER = _router()
"""The table. It has no state, so that every application of a process has the same."""
