"""The description of the API for programs: an OpenAPI 3.1 document, made from its endpoints."""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from portal.web.api.calls import Endpoint, Field
from portal.web.api.endpoints import ENDPOINTS
from portal.web.api.models import Error, Made
from portal.web.local_paths import API
from portal.web.request_context import PageRequest

OPENAPI = f"{API}/openapi.json"
"""Where the document is; it can be read without a token."""

REFUSALS = {
    401: "There is no token, or it does not work.",
    403: "The token does not have the scope, or its owner may not do this.",
    404: "There is no such thing, or it is not open to the token's owner.",
    429: "Too often: `Retry-After` says for how many seconds to wait, or a limit of the phase.",
    500: "A fault of the portal.",
}
"""What every call can be answered."""

UPLOAD_REFUSALS = {
    400: "The form could not be read, or broke off.",
    413: "The file is larger than the site allows.",
    507: "The site has no room for uploads at the moment; nothing was kept.",
    422: "A field or the file is missing, or the phase does not take it.",
}


def show(request: PageRequest) -> Response:
    """Answer with the document for this site."""
    return Response(_written(request.context.site_url), media_type="application/json")


@cache
def _written(site_url: str) -> str:
    return json.dumps(document(site_url))


def document(site_url: str) -> dict[str, Any]:
    """Return the document as plain values."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sealrun", "version": version("sealrun")},
        "servers": [{"url": f"{site_url}{API}"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def schemas() -> dict[str, Any]:
    """Return the JSON schema of everything that is answered, by the name of its model."""
    answers: Iterable[type[BaseModel]] = {e.answer: None for e in ENDPOINTS} | {Error: None}
    _, found = models_json_schema(
        [(model, "serialization") for model in answers],
        ref_template="#/components/schemas/{model}",
    )
    return dict(sorted(found["$defs"].items()))


def refusals(endpoint: Endpoint) -> dict[int, str]:
    """Return what a call can be refused with."""
    more = UPLOAD_REFUSALS if endpoint.form else {}
    return dict(sorted({**REFUSALS, **more}.items()))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.name,
        "parameters": [
            *_path_parameters(endpoint.path),
            *_parameters("query", endpoint.query),
            *_parameters("header", endpoint.headers),
        ],
        "responses": {
            str(endpoint.status): _success(endpoint),
            **{
                str(status): {"description": meaning, "content": _json(Error)}
                for status, meaning in refusals(endpoint).items()
            },
        },
    }
    if endpoint.scope is not None:
        operation["description"] = f"The token needs the scope `{endpoint.scope}`."
    if endpoint.form:
        operation["requestBody"] = _body(endpoint.form)
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameters(place: str, fields: Sequence[Field]) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "in": place,
            "required": field.required,
            "description": field.meaning,
            "schema": {"type": "integer" if field.name == "page" else "string"},
        }
        for field in fields
    ]


def _success(endpoint: Endpoint) -> dict[str, Any]:
    described: dict[str, Any] = {"description": "Done.", "content": _json(endpoint.answer)}
    if endpoint.answer is Made:
        described["headers"] = {"Location": {"schema": {"type": "string"}}}
    return described


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _body(form: Sequence[Field]) -> dict[str, Any]:
    properties = {field.name: _form_field(field) for field in form}
    schema = {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in form if field.required],
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _form_field(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "string", "description": field.meaning}
    return (
        described | {"contentMediaType": "application/octet-stream"} if field.is_file else described
    )
