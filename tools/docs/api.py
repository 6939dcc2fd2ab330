"""Writes docs/reference/api.md from the endpoints and models of the API."""

from collections.abc import Iterator
from typing import Any

from portal.web.api.calls import Endpoint
from portal.web.api.endpoints import ENDPOINTS
from portal.web.api.openapi import OPENAPI, REFUSALS, UPLOAD_REFUSALS, schemas

HEAD = f"""# API

Made from the code by `python -m tools.docs`. How to use it: [Use the API](../how-to/use-the-api.md). The same for
programs is an OpenAPI 3.1 document, which every site has at `{OPENAPI}`.

Every call needs a token: `Authorization: Bearer sealrun_...`. Cookies are not looked at, and a token opens no page.
Answers are JSON. Times are UTC, to the minute. An address in an answer is a whole one.
"""

REFUSED = """## Refusals

Every status from 400 on comes with an [Error](#error), also for addresses that do not exist.

| status | when |
|---|---|
"""


def page() -> str:
    """Return docs/reference/api.md."""
    return "\n".join([HEAD, *_calls(), *_refusals(), *_answers()])


def _calls() -> Iterator[str]:
    yield "## Calls\n"
    for endpoint in ENDPOINTS:
        yield from _call(endpoint)


def _call(endpoint: Endpoint) -> Iterator[str]:
    yield f"### `{endpoint.method} {endpoint.address}`\n"
    scope = f"Scope: `{endpoint.scope}`." if endpoint.scope else "Any token will do."
    model = endpoint.answer.__name__
    yield f"{endpoint.summary} {scope} Answer: {endpoint.status}, [{model}](#{model.lower()}).\n"
    for what, fields in (
        ("query", endpoint.query),
        ("form", endpoint.form),
        ("head", endpoint.headers),
    ):
        if fields:
            yield f"| in the {what} | needed | meaning |\n|---|---|---|"
            yield from (
                f"| `{field.name}` | {'yes' if field.required else 'no'} | {field.meaning} |"
                for field in fields
            )
            yield ""


def _refusals() -> Iterator[str]:
    known = sorted(
        {**REFUSALS, **UPLOAD_REFUSALS, 405: "The address takes another method."}.items()
    )
    yield REFUSED + "\n".join(f"| {status} | {meaning} |" for status, meaning in known) + "\n"


def _answers() -> Iterator[str]:
    yield "## Answers\n"
    for name, schema in schemas().items():
        yield f"### {name}\n"
        if "enum" in schema:
            yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + ".\n"
            continue
        yield f"{schema['description']}\n\n| field | type | meaning |\n|---|---|---|"
        yield from (_field(name, told) for name, told in schema["properties"].items())
        yield ""


def _field(name: str, told: dict[str, Any]) -> str:
    return f"| `{name}` | {_kind(told)} | {told.get('description', '')} |"


def _kind(told: dict[str, Any]) -> str:
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in told:
        return " or ".join(_kind(one) for one in told["anyOf"])
    if told["type"] == "array":
        return f"list of {_kind(told['items'])}"
    if told["type"] == "object":
        return f"{_kind(told['additionalProperties'])} by name"
    return "time" if told.get("format") == "date-time" else str(told["type"])
