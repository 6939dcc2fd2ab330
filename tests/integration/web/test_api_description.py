"""The description of the API describes all of it, and what it says is so."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from portal.web.api.app import OPENAPI, create_api
from portal.web.local_paths import API
from tests.support.web.addresses import SITE_URL, addresses
from tests.support.web.site import Site


@pytest.fixture
def described(site: Site) -> dict[str, Any]:
    answer = site.program().get(f"{API}{OPENAPI}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told: dict[str, Any] = answer.json()
    return told


def _references(told: object) -> Iterator[str]:
    if isinstance(told, dict):
        for key, value in told.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(told, list):
        for value in told:
            yield from _references(value)


def test_it_can_be_read_without_a_token_and_names_this_site(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": "http://127.0.0.1:8000/api/v1"}]
    assert described == json.loads(json.dumps(create_api(SITE_URL).openapi()))


def test_every_route_is_described_and_every_description_is_a_route(
    described: dict[str, Any],
) -> None:
    calls = {
        (method.lower(), address.path.removeprefix(API))
        for address in addresses()
        if address.is_api
        for method in address.methods
    }

    told = {(method, path) for path, methods in described["paths"].items() for method in methods}

    assert told == calls - {("get", "/openapi.json")}


def test_every_reference_leads_somewhere_and_every_schema_is_used(
    described: dict[str, Any],
) -> None:
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}

    assert set(_references(described)) == known


def test_every_call_has_a_name_of_its_own_and_its_parts_are_parameters(
    described: dict[str, Any],
) -> None:
    calls = [
        (path, call) for path, methods in described["paths"].items() for call in methods.values()
    ]

    names = [call["operationId"] for _, call in calls]
    assert len(set(names)) == len(names)
    for path, call in calls:
        parts = [told["name"] for told in call.get("parameters", ()) if told["in"] == "path"]
        assert parts == re.findall(r"\{(\w+)\}", path)


def test_every_call_names_the_scope_that_its_token_needs(described: dict[str, Any]) -> None:
    needed = {
        (method, path): call["security"]
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    }

    assert described["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer"}
    }
    assert needed["get", "/me"] == [{"token": []}]
    assert needed["get", "/submissions/{id}"] == [{"token": ["read"]}]
    assert needed["post", "/challenges/{slug}/submissions"] == [{"token": ["submit"]}]
    assert needed["get", "/challenges/{slug}/teams"] == [{"token": ["organise"]}]


def test_the_environment_cannot_have_requests_reported_elsewhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")

    with TestClient(create_api(SITE_URL)) as client:
        assert client.get(OPENAPI).status_code == 200

    # Where it is to report, FastAPI complains that the library that does it is missing.
    assert "telemetry" not in caplog.text


def test_submitting_is_a_form_with_a_file(described: dict[str, Any]) -> None:
    call = described["paths"]["/challenges/{slug}/submissions"]["post"]

    schema = call["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["required"] == ["phase", "kind", "file"]
    assert schema["properties"]["file"]["contentMediaType"] == "application/octet-stream"
    assert list(call["responses"]["201"]["headers"]) == ["Location"]
    assert set(call["responses"]) == {
        "201", "400", "401", "403", "404", "413", "422", "429", "500", "507",
    }  # fmt: skip
