"""A changed site.yaml is taken over while the site's processes run; one that cannot be used changes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from portal import bootstrap
from portal.bootstrap import Crew, Installation, SettingsWatch, watch_settings
from portal.cli import challenges as commands
from portal.cli import main
from portal.db.tables import Heartbeat
from portal.services.site import health
from portal.web.renewal import RenewableApp
from tests.support.databases import new_sqlite
from tests.support.required import required
from tests.support.worker.world import BUSYBOX, write_challenge, write_site

PATIENCE = 120.0


@pytest.fixture
def site_file(tmp_path: Path) -> Iterator[Path]:
    required(f"{BUSYBOX}, of which the probe's image is made", BUSYBOX.exists())
    path = write_site(tmp_path)
    _change(path, database={"url": f"sqlite:///{tmp_path / 'site.db'}"})
    database = new_sqlite(tmp_path, "site.db")
    yield path
    database.engine.dispose()


def _change(path: Path, **sections: Any) -> None:
    """Change sections of the settings in one step, as careful editors do."""
    settings = yaml.safe_load(path.read_text()) | sections
    part = path.with_suffix(".part")
    part.write_text(yaml.safe_dump(settings))
    part.replace(path)


def _same(site: Installation) -> Installation:
    return site


def test_new_settings_are_taken_over_once_they_stand_still(site_file: Path) -> None:
    watch = SettingsWatch(bootstrap.open_site(site_file), site_file)
    assert watch.look(_same) is None

    _change(site_file, limits={"upload": "7M"})

    assert watch.look(_same) is None
    taken = watch.look(_same)
    assert taken is not None
    assert taken.resources.upload_limit == 7 * 1024**2
    assert [watch.look(_same) for _ in range(3)] == [None] * 3


def test_the_database_stays_open(site_file: Path) -> None:
    site = bootstrap.open_site(site_file)
    watch = SettingsWatch(site, site_file)
    _change(site_file, limits={"upload": "7M"})

    taken = [watch.look(_same) for _ in range(2)][1]

    assert taken is not None
    assert taken.database is site.database


def test_what_cannot_be_used_is_told_once_and_tried_again(site_file: Path) -> None:
    good = site_file.read_text()
    watch = SettingsWatch(bootstrap.open_site(site_file), site_file)
    site_file.write_text(good + "zzz: 1\n")

    with capture_logs() as logs:
        assert [watch.look(_same) for _ in range(4)] == [None] * 4
    [line] = logs
    assert (line["event"], line["log_level"]) == ("settings_rejected", "error")
    assert "zzz: is not a setting" in line["problem"]

    site_file.write_text(good + "\n")
    assert watch.look(_same) is None
    assert watch.look(_same) is not None


def test_a_file_that_is_away_for_a_moment_changes_nothing(site_file: Path) -> None:
    watch = SettingsWatch(bootstrap.open_site(site_file), site_file)
    away = site_file.rename(site_file.with_suffix(".away"))

    with capture_logs() as logs:
        assert [watch.look(_same) for _ in range(3)] == [None] * 3
        away.rename(site_file)
        assert [watch.look(_same) for _ in range(3)] == [None] * 3

    assert logs == []


def test_what_fails_while_it_is_taken_over_is_tried_again(site_file: Path) -> None:
    watch = SettingsWatch(bootstrap.open_site(site_file), site_file)
    _change(site_file, limits={"upload": "7M"})
    left = [OSError("no room"), RuntimeError("a defect")]

    def take(site: Installation) -> Installation:
        if left:
            raise left.pop(0)
        return site

    with capture_logs() as logs:
        taken = [watch.look(take) for _ in range(4)]

    assert taken[:3] == [None] * 3
    assert taken[3] is not None
    assert [(line["event"], line.get("problem")) for line in logs] == [
        ("settings_rejected", "no room"), ("settings_rejected", "a defect"), ("settings_reloaded", None),
    ]  # fmt: skip


def _until(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def test_the_worker_goes_on_with_new_settings(site_file: Path) -> None:
    site = bootstrap.open_site(site_file)
    crew, stop = Crew(site), threading.Event()
    watching = threading.Thread(
        target=watch_settings, args=(SettingsWatch(site, site_file), crew.renew, stop)
    )

    def versions() -> dict[str, str]:
        with site.database.reading() as session:
            return {row.cluster: row.settings_version for row in session.query(Heartbeat)}

    crew.start()
    try:
        assert _until(lambda: versions() == {"main": site.version})
        settings = yaml.safe_load(site_file.read_text())
        clusters = settings["clusters"]
        other = {
            "connect": "local", "storage": str(site_file.parent / "other"), "build": "other-build",
        }  # fmt: skip
        (site_file.parent / "other").mkdir()
        profile = settings["profiles"]["build"] | {"cluster": "other"}
        _change(
            site_file,
            clusters=clusters | {"other": other},
            profiles=settings["profiles"] | {"other-build": profile},
        )
        watching.start()
        new = bootstrap.open_site(site_file)
        assert new.version != site.version
        assert _until(lambda: versions() == {"main": new.version, "other": new.version})
    finally:
        stop.set()
        if watching.is_alive():
            watching.join()
        crew.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("cluster:")]


def _tasks() -> list[str]:
    """Return the tasks that are being done; a pass, and work on files, have threads of their own besides."""
    names = [one.name for one in threading.enumerate()]
    return sorted(name for name in names if name == "audit" or name.startswith("cluster:"))


def test_settings_that_cannot_be_opened_leave_the_worker_at_work(site_file: Path) -> None:
    site = bootstrap.open_site(site_file)
    crew = Crew(site)
    crew.start()
    try:
        before = _tasks()
        _change(site_file, probe={"busybox": str(site_file.parent / "none")})
        with pytest.raises(OSError, match="none"):
            crew.renew(bootstrap.open_site(site_file))
        assert _tasks() == before == ["audit", "cluster:main"]
    finally:
        crew.stop()


def test_pages_are_served_by_the_newest_application() -> None:
    app = RenewableApp(PlainTextResponse("old"))
    client = TestClient(app)
    assert client.get("/").text == "old"

    app.renew(PlainTextResponse("new"))

    assert client.get("/").text == "new"


@pytest.mark.parametrize("words", [[], ["--anyway"]])
def test_no_challenge_is_added_that_the_worker_does_not_have_the_settings_for(
    site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    site = bootstrap.open_site(site_file)
    with site.database.writing() as session:
        health.beat(
            session, cluster="main", holder="host:7", probe_image_id="", settings_version="older",
            answers=True, problem="", now=site.clock(),
        )  # fmt: skip
    monkeypatch.setattr(commands, "TIMEOUT_SECONDS", 0.0)
    folder = write_challenge(tmp_path / "challenge")

    result = CliRunner().invoke(
        main, ["challenge", "add", str(folder), "--site", str(site_file), *words]
    )

    if words:
        assert (result.exit_code, "added" in result.output) == (0, True)
    else:
        assert result.exit_code == 1
        assert "the worker of main works with other settings than this site.yaml" in result.output


def test_what_is_not_offered_to_challenges_makes_no_other_version(site_file: Path) -> None:
    before = bootstrap.open_site(site_file).version

    _change(site_file, worker={"pauses": ["2s"]})
    assert bootstrap.open_site(site_file).version == before

    _change(site_file, limits={"upload": "7M"})
    assert bootstrap.open_site(site_file).version != before
