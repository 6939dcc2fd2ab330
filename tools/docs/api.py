"""Writes docs/reference/api.md from the description that the API gives of itself."""

from collections.abc import Iterator
from typing import Any

from portal.web.api.app import OPENAPI, create_api
from portal.web.api.routes import REFUSALS, UPLOAD_REFUSALS
from portal.web.local_paths import API

HEAD = f"""# API

Made from the code by `python -m tools.docs`. How to use it: [Use the API](../how-to/use-the-api.md). The same for
programs is an OpenAPI 3.1 document, which every site has at `{API}{OPENAPI}`.

Every call needs a token: `Authorization: Bearer sealrun_...`. Cookies are not looked at, and a token opens no page.
Answers are JSON. Times are UTC, to the minute. An address in an answer is a whole one.
"""

REFUSED = """## Refusals

Every status from 400 on comes with an [Error](#error), also for addresses that do not exist.

| status | when |
|---|---|
"""

PLACES = {"query": "query", "header": "head"}
"""The places of parameters that are described; those of the address stand in it."""

Told = dict[str, Any]
"""A part of the document."""


def page() -> str:
    """Return docs/reference/api.md."""
    told = create_api("").openapi()
    schemas = told["components"]["schemas"]
    return "\n".join([HEAD, *_calls(told["paths"], schemas), *_refusals(), *_answers(schemas)])


def _calls(paths: Told, schemas: Told) -> Iterator[str]:
    yield "## Calls\n"
    for path, calls in paths.items():
        for method, call in calls.items():
            yield f"### `{method.upper()} {API}{path}`\n"
            yield from _call(call, schemas)


def _call(call: Told, schemas: Told) -> Iterator[str]:
    [scopes] = [one["token"] for one in call["security"]]
    scope = f"Scope: `{scopes[0]}`." if scopes else "Any token will do."
    summary = " ".join(call["description"].split())
    yield f"{summary} {scope} Answer: {_answer(call['responses'])}.\n"
    for place, word in PLACES.items():
        yield from _table(word, [one for one in call.get("parameters", ()) if one["in"] == place])
    if "requestBody" in call:
        yield from _body(call["requestBody"]["content"], schemas)


def _answer(responses: Told) -> str:
    status, told = next(iter(responses.items()))
    content = told["content"]
    if "application/json" not in content:
        return f"{status}, {told['description'][0].lower()}{told['description'][1:].rstrip('.')}"
    return f"{status}, {_kind(content['application/json']['schema'])}"


def _body(content: Told, schemas: Told) -> Iterator[str]:
    for kind, word in (("multipart/form-data", "form"), ("application/json", "JSON")):
        if kind in content:
            schema = content[kind]["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            yield from _table(word, _fields(schemas[name] if name else schema))


def _fields(schema: Told) -> list[Told]:
    return [
        {"name": name, "required": name in schema.get("required", ()), "schema": field}
        for name, field in schema["properties"].items()
    ]


def _table(place: str, fields: list[Told]) -> Iterator[str]:
    if fields:
        yield f"| in the {place} | needed | type | meaning |\n|---|---|---|---|"
        yield from (_parameter(field) for field in fields)
        yield ""


def _parameter(told: Told) -> str:
    schema = told["schema"]
    needed = "yes" if told["required"] else "no"
    meaning = schema.get("description", "")
    return f"| `{told['name']}` | {needed} | {_kind(schema)} | {meaning} |"


def _refusals() -> Iterator[str]:
    known = sorted(
        {**REFUSALS, **UPLOAD_REFUSALS, 405: "The address takes another method."}.items()
    )
    yield REFUSED + "\n".join(f"| {status} | {meaning} |" for status, meaning in known) + "\n"


def _answers(schemas: Told) -> Iterator[str]:
    yield "## Answers\n"
    for name, schema in sorted(schemas.items()):
        yield f"### {name}\n"
        if "enum" in schema:
            yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + ".\n"
            continue
        yield f"{schema['description']}\n\n| field | type | meaning |\n|---|---|---|"
        yield from (_field(name, told) for name, told in schema["properties"].items())
        yield ""


def _field(name: str, told: Told) -> str:
    return f"| `{name}` | {_kind(told)} | {told.get('description', '')} |"


def _kind(told: Told) -> str:
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in told:
        return " or ".join(_kind(one) for one in told["anyOf"])
    if told["type"] == "array":
        return f"list of {_kind(told['items'])}"
    if told["type"] == "object":
        return f"{_kind(told['additionalProperties'])} by name"
    if "contentMediaType" in told:
        return "file"
    return "time" if told.get("format") == "date-time" else _plain(told)


def _plain(told: Told) -> str:
    kind = str(told["type"])
    return f"{kind}, up to {told['maxLength']} characters" if "maxLength" in told else kind
