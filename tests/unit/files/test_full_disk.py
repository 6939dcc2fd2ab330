"""A full disk: what does not fit is refused and leaves nothing, and what makes room works."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.required import required

MIB = 2**20
PROGRAM = """
import json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from portal.files.store import StorageFullError, Store

root = Path(sys.argv[1])
store, kept = Store(root / "store"), b"k" * 300_000
with store.incoming() as incoming:
    incoming.write(kept)
    digest = incoming.commit().sha256
found = {}


def files():
    return sorted(path.name for path in (root / "store/incoming").iterdir())


def full(step):
    try:
        step()
    except StorageFullError:
        return [True, files()]
    return [False, files()]


def written():
    with store.incoming() as incoming:
        for _ in range(100):
            incoming.write(bytes(100_000))


def committed():
    # It stays in memory until then.
    with store.incoming() as incoming:
        incoming.write(bytes(950_000))
        incoming.commit()


found["written"], found["committed"] = full(written), full(committed)
(root / "store/incoming/part-left").write_bytes(b"x")
room = root / "filler"
with room.open("wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
found["no room"] = full(written)
now = datetime.now(UTC) + timedelta(days=2)
found["swept"] = [store.sweep(timedelta(days=1), now), files()]
found["removed"] = [store.remove(digest, unused_for=timedelta(0)), store.path(digest).exists()]
room.unlink()
with store.incoming() as incoming:
    incoming.write(kept)
    found["again"] = incoming.commit().sha256 == digest
print(json.dumps(found))
"""


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    """Run it on a file system of a megabyte, which ends with the process."""
    inside = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
    mounted = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    tried = subprocess.run([*inside, "true"], check=False, capture_output=True)
    required("namespaces of one's own (unshare)", tried.returncode == 0)
    done = subprocess.run(
        [*inside, "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_does_not_fit_leaves_nothing_and_cleaning_works(found: dict[str, Any]) -> None:
    assert found == {
        "written": [True, []],
        "committed": [True, []],
        "no room": [True, ["part-left"]],
        "swept": [1, []],
        "removed": [True, False],
        "again": True,
    }
