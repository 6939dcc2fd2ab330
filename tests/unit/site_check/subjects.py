"""The settings and the answers of a site that is in order."""

from collections.abc import Callable
from typing import Any

from portal.site_check.questions import Answers
from portal.site_check.target import Subject
from scheduler.commands import inspection
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
