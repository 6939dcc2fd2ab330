"""What the demo shows, in order: three honest submissions, the bad ones, the leaderboard."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from examples.demo.participant import Participant, Seen
from examples.demo.processes import Processes, free_port, sealrun
from examples.demo.settings import DemoSite, prepare_site
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.leaderboards.scores import rounded
from site_config.practice.site import Status

KINDS = {".zip": "code", ".tar": "image", ".csv": "results"}
COLUMNS = {"accuracy": "Accuracy", "macro_f1": "Macro F1", "brier": "Brier score"}
PEOPLE = (("ada", "Ada Lovelace"), ("grace", "Grace Hopper"))
PATIENCE = 240.0
"""Seconds that all submissions together may take."""


@dataclass(slots=True)
class Entry:
    """One file that is submitted, and what has to come of it."""

    file: Path
    owner: Participant
    scores: dict[str, float] | None
    """Expected, by column; None where it must fail."""
    reason: FailureReason | None
    address: str = ""
    seen: Seen | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.seen is not None and self.seen.is_settled

    @property
    def is_right(self) -> bool:
        """Whether exactly the expected came of it."""
        if self.seen is None or not self.seen.is_settled:
            return False
        if self.scores is not None:
            shown = {COLUMNS[key]: rounded(value, 3) for key, value in self.scores.items()}
            return self.seen.scores == shown
        return self.reason is not None and self.seen.told == FAILURES[self.reason].title


class Voice:
    """Prints lines with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print one line."""
        print(f"{time.monotonic() - self._start:6.1f} s  {text}", flush=True)


def tell(practice: Status, example: Path, *, once: bool) -> int:
    """Run the demo; return 0 if every submission ended as it should."""
    say = Voice()
    site = prepare_site(
        practice, example, portal_port=free_port(8000), provider_port=free_port(9400)
    )
    entries: list[Entry] = []
    is_sealed = False
    # Whoever ends the demo, by a key or by a signal: what it started must end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with Processes(site.directory / "logs", _environment()) as processes:
            _start(processes, site, example, say)
            entries = _entries(site, example)
            _submit(entries, say)
            _watch(entries, say)
            _show(entries, site)
            is_sealed = _verify_best(entries, site)
            if not once:
                _serve(site)
    except KeyboardInterrupt:
        say("ending")
    return 0 if is_sealed and entries and all(entry.is_right for entry in entries) else 1


def _environment() -> dict[str, str]:
    keep = ("PATH", "HOME", "LANG", "USER", "LOGNAME")
    return {name: os.environ[name] for name in keep if name in os.environ}


def _start(processes: Processes, site: DemoSite, example: Path, say: Voice) -> None:
    subprocess.run([*sealrun("db", "upgrade"), "--site", str(site.settings)], check=True)
    users = [
        word
        for sub, name in PEOPLE
        for word in ("--user-claims", json.dumps({"sub": sub, "name": name}))
    ]
    provider = Path(sys.executable).with_name("oidc-provider-mock")
    port = str(site.provider_port)
    processes.start_server("provider", site.provider_port, str(provider), "--port", port, *users)
    say(f"an OpenID provider for the demo listens on {site.issuer}")
    serve = sealrun("serve", "--port", str(site.portal_port), "--site", str(site.settings))
    processes.start_server("web", site.portal_port, *serve)
    processes.start("worker", *sealrun("work", "--site", str(site.settings)))
    say(f"the portal listens on {site.portal}, the worker works")
    subprocess.run(
        [
            *(*sealrun("challenge", "add"), "--site", str(site.settings)),
            # Who watches a demo is not to wait for a dry run as well.
            *(str(example / "challenge"), "--untried"),
        ],
        check=True,
    )
    say("the challenge is added")


def _entries(site: DemoSite, example: Path) -> list[Entry]:
    """Log two participants in and give each a part of the files, the honest ones first."""
    ada, grace = (Participant(site.portal, sub) for sub, _ in PEOPLE)
    for person in (ada, grace):
        person.log_in()
    files = example / "submissions"
    good: dict[str, dict[str, float]] = json.loads((files / "expected.json").read_text())
    bad: dict[str, str] = json.loads((files / "bad.json").read_text())
    honest = [
        Entry(files / name, ada if Path(name).suffix == ".zip" else grace, scores, None)
        for name, scores in good.items()
    ]
    # The one that runs until its time is over goes first: the others need not wait for it.
    slowest_first = sorted(bad.items(), key=lambda item: item[1] != FailureReason.TIME_LIMIT)
    return honest + [
        Entry(files / name, ada if number % 2 else grace, None, FailureReason(reason))
        for number, (name, reason) in enumerate(slowest_first)
    ]


def _submit(entries: Sequence[Entry], say: Voice) -> None:
    for entry in entries:
        kind = KINDS[entry.file.suffix]
        entry.address = entry.owner.submit("digits", "dev", kind, entry.file)
        say(f"{entry.owner.account} submits {entry.file.name} ({kind})")


def _watch(entries: Sequence[Entry], say: Voice) -> None:
    """Look at the pages until everything has ended, and tell each change."""
    deadline = time.monotonic() + PATIENCE
    while open_entries := [entry for entry in entries if not entry.is_settled]:
        if time.monotonic() > deadline:
            say(f"not ended in time: {', '.join(e.file.name for e in open_entries)}")
            return
        for entry in open_entries:
            before, entry.seen = entry.seen, entry.owner.look(entry.address)
            if before is None or before.state != entry.seen.state:
                say(f"{entry.file.name:20} {entry.seen.state} {_outcome(entry.seen)}")
        time.sleep(0.3)


def _outcome(seen: Seen) -> str:
    if seen.scores:
        return ", ".join(f"{title} {value:.3f}" for title, value in seen.scores.items())
    return seen.told


def _show(entries: Sequence[Entry], site: DemoSite) -> None:
    print("\nThe leaderboard")
    _print_table(entries[0].owner.leaderboard("digits"))
    print("\nWhat each bad submission was shown")
    rows = [["File", "What the team reads", "As it should be"]]
    for entry in entries:
        if entry.scores is None:
            told = entry.seen.told if entry.seen else ""
            rows.append([entry.file.name, told, "yes" if entry.is_right else "NO"])
    _print_table(rows)
    wrong = [entry.file.name for entry in entries if not entry.is_right]
    print(f"\n{len(entries) - len(wrong)} of {len(entries)} submissions ended as they should.")
    if wrong:
        print(f"Wrong: {', '.join(wrong)}. Logs: {site.directory / 'logs'}")


def _verify_best(entries: Sequence[Entry], site: DemoSite) -> bool:
    """Fetch the signed statement of the best score and check it offline, as anybody could."""
    scored = [entry for entry in entries if entry.seen and entry.seen.scores]
    if not scored:
        return False
    best = max(scored, key=lambda entry: entry.seen.scores["Accuracy"] if entry.seen else 0.0)
    file = site.directory / "best.statement.json"
    file.write_bytes(best.owner.statement(best.address))
    settings = yaml.safe_load(site.settings.read_text())
    keys = [word for key in settings["seal"]["public_keys"] for word in ("--key", key)]
    print(f"\nThe signed statement of the best score, {best.file.name}, checked offline")
    sys.stdout.flush()
    return subprocess.run([*sealrun("verify"), str(file), *keys], check=False).returncode == 0


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip())


def _serve(site: DemoSite) -> None:
    names = " or ".join(sub for sub, _ in PEOPLE)
    print(f"\nOpen {site.portal} and log in as {names}. Ctrl-C ends everything.", flush=True)
    while True:
        time.sleep(3600)
