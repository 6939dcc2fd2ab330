"""The ordinary user: reaches what is asked for, nothing else of root's, and has no way back."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from site_config.practice.machine.accounts import Account, topmost_barrier
from tests.support.patience import until

UID = 20302
HOME = Path("/var/lib/sealrun-test-home")
MODULE = [sys.executable, "-m", "site_config.practice.ordinary_user", "--uid", str(UID)]
CHECKOUT = Path(__file__).resolve().parents[3]

TELL = """
import getpass, grp, json, os, pwd
print(json.dumps({
    "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
    "names": [getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name],
    "homes": [os.environ["HOME"], pwd.getpwuid(os.getuid()).pw_dir],
    "here": os.getcwd(),
    "no_new_privs": "NoNewPrivs:\\t1" in open("/proc/self/status").read(),
    "pid": os.getpid(),
    "beside": os.listdir(".."),
    "file": open("file").read(),
}))
"""


@pytest.fixture
def hidden(root: None, tmp_path: Path) -> Iterator[Path]:
    """A folder as /root is, with a checkout and a secret in it; everything above it is open to all."""
    top = Path("/var/lib/sealrun-test-hidden")
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(mode=0o700)
    (top / "checkout").mkdir()
    (top / "checkout/file").write_text("content", encoding="ascii")
    (top / "secret").write_text("secret", encoding="ascii")
    yield top
    shutil.rmtree(top)
    shutil.rmtree(HOME, ignore_errors=True)


def become(
    hidden: Path, *argv: str, readable: list[Path] | None = None
) -> subprocess.CompletedProcess[str]:
    options = [
        word
        for path in (readable or [hidden / "checkout", CHECKOUT])
        for word in ("--readable", str(path))
    ]
    return subprocess.run(
        [*MODULE, "--home", str(HOME), *options, "--", *argv],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=hidden / "checkout",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )


def test_the_user_exists_and_sees_the_readable_paths_only(hidden: Path) -> None:
    done = become(hidden, sys.executable, "-c", TELL)

    told = json.loads(done.stdout)
    assert told | {"pid": 0} == {
        "ids": [UID] * 6,
        "names": ["sealrun"] * 3,
        "homes": [str(HOME)] * 2,
        "here": str(hidden / "checkout"),
        "no_new_privs": True,
        "pid": 0,
        "beside": ["checkout"],
        "file": "content",
    }, done.stderr


def test_nothing_changes_for_the_machine(hidden: Path) -> None:
    before = [
        Path(name).read_text(encoding="utf-8") for name in ("/etc/passwd", "/proc/self/mountinfo")
    ]

    become(hidden, "true")

    assert [
        Path(name).read_text(encoding="utf-8") for name in ("/etc/passwd", "/proc/self/mountinfo")
    ] == before
    assert {path.name for path in hidden.iterdir()} == {"checkout", "secret"}


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param("cat {top}/secret", id="file beside the checkout"),
        pytest.param("touch {top}/new", id="new file in the covered folder"),
        pytest.param("touch {top}/checkout/new", id="new file in root's checkout"),
        pytest.param("umount -l {top}", id="uncovering"),
        pytest.param("cat /etc/shadow", id="shadow"),
    ],
)
def test_the_user_cannot(hidden: Path, attempt: str) -> None:
    done = become(hidden, "sh", "-c", attempt.format(top=hidden))

    assert (done.returncode != 0, done.stdout, done.stderr != "") == (True, "", True)


def test_the_process_itself_becomes_the_program(hidden: Path) -> None:
    process = subprocess.Popen(
        [*MODULE, "--home", str(HOME), "--", "sleep", "60"],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    until(lambda: Path(f"/proc/{process.pid}/comm").read_text(encoding="ascii") == "sleep\n")

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == -signal.SIGTERM


def test_a_missing_path_is_named(hidden: Path) -> None:
    done = become(hidden, "true", readable=[hidden / "nowhere"])

    assert (done.returncode, done.stderr) == (1, f"Error: true: there is no {hidden / 'nowhere'}\n")


def test_an_interpreter_that_only_root_reaches_works(hidden: Path) -> None:
    interpreter = hidden / "versions/bin/python3"
    make = [sys.executable, "-m", "venv", "--copies", "--without-pip", str(hidden / "versions")]
    subprocess.run(make, check=True)

    done = become(
        hidden,
        str(interpreter),
        "-c",
        f"import os, ssl; print(os.listdir('{hidden}'))",
        readable=[hidden / "versions"],
    )

    assert (done.returncode, done.stdout) == (0, "['versions']\n"), done.stderr


def test_the_topmost_barrier_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a/b/c"
    folder.mkdir(parents=True)
    (tmp_path / "a").chmod(0o711)
    (tmp_path / "a/b").chmod(0o700)
    stranger = Account(uid=UID, gid=UID)
    inner = Path("/", *folder.relative_to("/").parts)

    found = topmost_barrier(inner / "file", stranger)

    above = [path for path in reversed(inner.parents) if not path.stat().st_mode & 0o001]
    assert found == above[0]
    assert topmost_barrier(inner / "file", Account(uid=os.getuid(), gid=os.getgid())) is None
    assert topmost_barrier(Path("/usr/bin"), stranger) is None
