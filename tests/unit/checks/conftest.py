from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal import bootstrap
from portal.checks.questions import Answers
from portal.checks.subject import Subject
from scheduler import inspection
from tests.support.recordings.answers import RELEASE, recorded

SITE: dict[str, Any] = {
    "site": {"name": "Test site", "url": "https://challenges.example.org", "support": "help"},
    "database": {"url": "sqlite:///sealrun.db"},
    "clusters": {
        "main": {
            "connect": {
                "ssh": {"host": "login1", "user": "challenge", "key_file": "key", "known_hosts": "hosts"}
            },
            "slurm": {"account": "challenges", "qos": "challenge"},
            "storage": "storage",
        }
    },
    "profiles": {
        "gpu": {"cluster": "main", "partition": "gpu", "gres": "gpu:1", "cpus": 1, "memory": "1G", "time": "2m"},
        "build": {"cluster": "main", "partition": "build", "cpus": 1, "memory": "1G", "time": "59m"},
    },
    "limits": {"upload": "1M"},
}  # fmt: skip

MakeSubject = Callable[..., Subject]


@pytest.fixture
def make_subject(tmp_path: Path) -> MakeSubject:
    """Return what makes a site of the settings above, with some sections replaced."""

    def make(**sections: Any) -> Subject:
        file = tmp_path / "site.yaml"
        file.write_text(yaml.safe_dump(SITE | sections, sort_keys=False), encoding="utf-8")
        settings = bootstrap.read_settings(file)
        return Subject(
            file=file,
            settings=settings,
            cluster_name="main",
            profiles=tuple(bootstrap.profile_of(settings, name) for name in settings.profiles),
            all_profiles=tuple(bootstrap.profile_of(settings, name) for name in settings.profiles),
            build_profile=bootstrap.profile_of(settings, "build"),
            clock=lambda: datetime(2026, 11, 25, tzinfo=UTC),
        )

    return make


@pytest.fixture
def subject(make_subject: MakeSubject) -> Subject:
    return make_subject()


def recorded_answers(release: str = RELEASE, config: str = "hardened-config") -> Answers:
    """Return what a hardened practice site of a release answers."""
    return Answers(
        config=inspection.read_config(recorded(config, release).stdout),
        accounting=inspection.read_config(recorded("accounting-config", release).stdout),
        partitions=inspection.read_partitions(recorded("partitions", release).stdout),
        associations=inspection.read_associations(recorded("associations", release).stdout),
        qos=inspection.read_qos(recorded("qos", release).stdout),
        nodes=inspection.read_nodes(recorded("nodes", release).stdout),
        places=inspection.read_places(recorded("places", release).stdout),
        users=inspection.read_users(recorded("users", release).stdout),
        user="challenge",
    )
