"""Asking for an address as somebody, on a copy of the scene that the request may change."""

from pathlib import Path

from starlette.testclient import TestClient

from tests.integration.access import table
from tests.integration.access.requests import EXAMPLES, Example
from tests.integration.access.scene import Place, Scene, new_place
from tests.integration.access.table import Key
from tests.support.web.addresses import addresses as all_addresses


def addresses() -> list[Key]:
    """List every method and address of the portal."""
    return [(method, address.path) for address in all_addresses() for method in address.methods]


def asked(key: Key, who: str, scene: Scene, directory: Path) -> str:
    """Return what one person is answered by a page, on a copy of the scene."""
    place = new_place(directory, scene)
    browser = place.browser(scene.people.get(who))
    answer = _send(browser, key, scene, who)
    _close(place)
    return answer


def called(key: Key, token: str, scene: Scene, directory: Path) -> str:
    """Return what one token is answered by the API, on a copy of the scene."""
    place = new_place(directory, scene)
    browser = place.browser(scene.people["organiser"] if token == "cookie" else None)
    if token in scene.tokens:
        browser.headers["authorization"] = f"Bearer {scene.tokens[token]}"
    answer = _send(browser, key, scene)
    _close(place)
    return answer


def _send(browser: TestClient, key: Key, scene: Scene, who: str = "") -> str:
    method, address = key
    example = EXAMPLES.get(key, Example())
    path = example.path or address
    path = path.replace("{slug}", scene.ids["slug"])
    for name, value in example.parts.items():
        path = path.replace(name, _meant(value, scene, who))
    form = {name: _meant(value, scene, who) for name, value in example.form.items()}
    answer = browser.request(
        method, path, data=form or None, files=example.files or None, json=_json(example, scene)
    )
    return table.word(answer.status_code, answer.headers.get("location", ""))


def _meant(value: str, scene: Scene, who: str) -> str:
    return scene.ids[value[1:]] if value.startswith("@") else value.replace("WHO", who)


def _close(place: Place) -> None:
    place.context.database.engine.dispose()


def _json(example: Example, scene: Scene) -> dict[str, object] | None:
    if example.json is None:
        return None
    return {
        name: scene.ids[value[1:]] if isinstance(value, str) and value.startswith("@") else value
        for name, value in example.json.items()
    }
