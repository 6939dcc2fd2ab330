"""Cheats of kind ``code``: what a program can try inside its container, as a shell script or in Python.

Which file of a submission the base image starts is the organisers' business: it is found out from what they submit.
"""

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from portal.domain.challenges.attacks.material import MIB, Attack, Material, best_scores, packed

_USUAL = ("predict.py", "predict.sh", "predict", "run.sh", "run.py", "main.py", "main.sh")
_INSIDE = "/submission/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The file of a submission that is started, and in which language."""

    path: str
    is_python: bool


def entry_of(argv: Sequence[str], files: Mapping[str, bytes]) -> Entry | None:
    """Return what is started of submissions like one with ``files``; None where that cannot be known.

    ``files`` are the beginnings of the files of a submission that works.
    """
    named = [word.removeprefix(_INSIDE) for word in argv if word.startswith(_INSIDE)]
    top = [name for name in files if "/" not in name]
    candidates = [*named, *(name for name in _USUAL if name in top), *_only_script(top)]
    for path in candidates:
        language = _language(path, files.get(path, b""))
        if language is not None:
            return Entry(path=path, is_python=language == "python")
    return None


def _only_script(names: Collection[str]) -> list[str]:
    scripts = [name for name in names if PurePosixPath(name).suffix in {".py", ".sh"}]
    return scripts if len(scripts) == 1 else []


def _language(path: str, content: bytes) -> str | None:
    suffixes = {".py": "python", ".sh": "shell"}
    if (known := suffixes.get(PurePosixPath(path).suffix)) is not None:
        return known
    first = content.partition(b"\n")[0]
    if not first.startswith(b"#!"):
        return None
    return "python" if b"python" in first else "shell" if first.rstrip().endswith(b"sh") else None


def code_attacks(material: Material, entry: Entry) -> Iterator[Attack]:
    """Yield the cheats that there are for a task whose base image starts ``entry``."""
    write = _Script(material, is_python=entry.is_python)

    def attack(name: str, about: str, script: str, **what: bool) -> Attack:
        return Attack(name=name, about=about, content=packed({entry.path: script.encode()}), **what)

    yield attack("no output", "Ends well and writes nothing.", write.nothing(), may_score=False)
    yield attack(
        "failing program",
        "Writes an output and ends with exit code 3.",
        write.failure(),
        may_score=False,
    )
    yield attack(
        "forged scores by a program",
        "Writes scores.json with the best of all scores, and tries to overwrite the scorer.",
        write.forgery(),
    )
    yield attack(
        "look for the truth",
        "Copies what it can read where the truth is given to the scorer, and asks the network.",
        write.probe(),
    )
    yield attack("copy of the input", "Hands its input back as its answer.", write.echo())
    yield attack(
        "too much output",
        "Writes more than a run may.",
        write.flood(),
        may_score=False,
        is_long=True,
    )
    yield attack(
        "waits for ever",
        "Does nothing until its time is over.",
        write.sleep(),
        may_score=False,
        is_long=True,
    )


class _Script:
    """Programs for a task, in one of two languages."""

    def __init__(self, material: Material, *, is_python: bool) -> None:
        self._required = list(material.required)
        self._best = json.dumps(best_scores(material.columns))
        self._too_much = material.max_bytes // MIB + 2
        self._is_python = is_python

    def _as(self, shell: str, python: str) -> str:
        names = " ".join(map(shlex.quote, self._required))
        head = '#!/bin/sh\ncd "${SEALRUN_OUTPUT:-/output}" || exit 0\n'
        head += f'answer() {{ for f in {names}; do mkdir -p "$(dirname "$f")"; cat > "$f" < "$1"; done; }}\n'
        head_python = (
            "import os, pathlib, sys\n"
            "out = pathlib.Path(os.environ.get('SEALRUN_OUTPUT', '/output'))\n"
            "def answer(content):\n"
            f"    for name in {self._required!r}:\n"
            "        (out / name).parent.mkdir(parents=True, exist_ok=True)\n"
            "        (out / name).write_bytes(content)\n"
            "def attempt(what, *words):\n"
            "    try:\n"
            "        return what(*words)\n"
            "    except Exception:\n"
            "        return None\n"
        )
        return head_python + python if self._is_python else head + shell

    def nothing(self) -> str:
        return self._as("exit 0\n", "sys.exit(0)\n")

    def failure(self) -> str:
        return self._as("answer /proc/version\nexit 3\n", "answer(b'0\\n')\nsys.exit(3)\n")

    def forgery(self) -> str:
        best = self._best
        shell = (
            f"answer /proc/version\nprintf %s {shlex.quote(best)} > scores.json\n"
            "for f in /app/score /input/ref/scores.json /output/../scores.json; do\n"
            '  (cat scores.json > "$f") 2>/dev/null\ndone\nexit 0\n'
        )
        python = (
            f"answer(b'0\\n')\nbest = {best!r}\n(out / 'scores.json').write_text(best)\n"
            "for place in ('/app/score', '/input/ref/scores.json', '/scores.json'):\n"
            "    attempt(pathlib.Path(place).write_text, best)\n"
        )
        return self._as(shell, python)

    def probe(self) -> str:
        shell = (
            "answer /proc/net/dev\n"
            "for f in /input/ref/* /input/../ref/* /truth/*; do\n"
            '  if [ -f "$f" ]; then answer "$f"; fi\ndone\nexit 0\n'
        )
        python = (
            "import socket\nanswer(b'0\\n')\n"
            "attempt(socket.create_connection, ('192.0.2.1', 80), 1)\n"
            "for folder in ('/input/ref', '/ref', '/truth'):\n"
            "    for file in sorted(pathlib.Path(folder).rglob('*')):\n"
            "        found = attempt(file.read_bytes)\n"
            "        if found is not None:\n            answer(found)\n"
        )
        return self._as(shell, python)

    def echo(self) -> str:
        shell = (
            "answer /dev/null\n"
            'find "${SEALRUN_INPUT:-/input}" -type f | sort | head -n 1 |\n'
            '  while read -r f; do answer "$f"; done\nexit 0\n'
        )
        python = (
            "answer(b'')\n"
            "for file in sorted(pathlib.Path(os.environ.get('SEALRUN_INPUT', '/input')).rglob('*')):\n"
            "    if file.is_file():\n        answer(file.read_bytes())\n        break\n"
        )
        return self._as(shell, python)

    def flood(self) -> str:
        number = self._too_much
        shell = (
            f"answer /dev/null\ni=0\nwhile [ $i -lt {number} ]; do\n"
            "  head -c 1048576 /dev/zero >> too-much || exit 0\n  i=$((i+1))\ndone\nexit 0\n"
        )
        python = (
            "answer(b'')\nwith (out / 'too-much').open('wb') as file:\n"
            f"    for _ in range({number}):\n        file.write(bytes(1048576))\n"
        )
        return self._as(shell, python)

    def sleep(self) -> str:
        return self._as(
            "answer /dev/null\nwhile :; do sleep 60; done\n",
            "import time\nanswer(b'')\nwhile True:\n    time.sleep(60)\n",
        )
