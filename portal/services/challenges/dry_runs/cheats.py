"""The portal's own cheats on a challenge: which there are, made of what its bundle holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.queries.challenges.challenge_pages import tasks_by_phase
from portal.db.tables import Challenge, Phase, Task
from portal.domain.challenges.attacks.code import Entry, code_attacks, entry_of
from portal.domain.challenges.attacks.material import Attack, Material
from portal.domain.challenges.attacks.results import MAX_EXAMPLE_BYTES, results_attacks
from portal.domain.challenges.dry_runs import MAX_SHORT_OUTPUT_BYTES, MAX_SHORT_TIME, TrialRole
from portal.domain.challenges.profiles import Resources
from portal.domain.submissions.limits import SubmissionKind
from portal.files.archives.beginnings import beginnings
from portal.files.errors import BadArchiveError
from portal.files.store import DamagedFileError, Store
from portal.services.challenges.dry_runs.subject import DryRunSubject, KnownTrial
from portal.services.leaderboards.boards import leading_columns

_HEAD_BYTES = 64 * 1024
"""Of a program, to see in which language it is, and of the sample's input."""

NO_ENTRY = (
    "{phase}: no cheats of kind code were made, as no baseline or sample of that kind shows which file the base"
    " image starts."
)
NO_LONG = (
    "{phase}: cheats that wait for ever, or write more than a run may, were left out: its limits are long. Tick the"
    " box to have them."
)
NO_KINDS = "{phase}: it takes images only, of which the portal has no cheats."
NO_BASELINE = (
    "There is no baseline to compare what cheats get with: look at their scores yourselves."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A phase to cheat in, with what is known of its task."""

    phase: str
    title: str
    kinds: tuple[SubmissionKind, ...]
    material: Material
    argv: tuple[str, ...]
    sample_sha256: str | None
    are_runs_short: bool
    is_output_small: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAttack:
    """A cheat, and where it is to be submitted."""

    phase: str
    kind: SubmissionKind
    attack: Attack


def targets_of(session: Session, challenge: Challenge, resources: Resources) -> tuple[Target, ...]:
    """Return the phases to cheat in: of those with the same tasks and kinds the first."""
    tasks: dict[str, list[Task]] = {}
    for phase_id, task in tasks_by_phase(session, challenge.id):
        tasks.setdefault(phase_id, []).append(task)
    columns = leading_columns(session, challenge)
    found: list[Target] = []
    seen: set[tuple[str, SubmissionKind]] = set()
    for phase in challenge.phases:
        mine = tasks.get(phase.id, [])
        new = {(task.id, kind) for task in mine for kind in _kinds(phase)} - seen
        if not new:
            continue
        seen |= new
        task = mine[0]
        profile = resources.profiles.get(task.predict_profile)
        found.append(
            Target(
                phase=phase.slug,
                title=phase.title,
                kinds=tuple(sorted({kind for _, kind in new})),
                material=Material(
                    required=tuple(task.required_outputs),
                    max_bytes=task.output_limit,
                    columns=columns,
                ),
                argv=tuple(task.predict_argv),
                sample_sha256=task.sample_sha256,
                are_runs_short=profile is not None and profile.time_limit <= MAX_SHORT_TIME,
                is_output_small=task.output_limit <= MAX_SHORT_OUTPUT_BYTES,
            )
        )
    return tuple(found)


def _kinds(phase: Phase) -> list[SubmissionKind]:
    return [SubmissionKind(kind) for kind in phase.kinds]


def attacks_on(
    target: Target, subject: DryRunSubject, store: Store, *, with_long: bool, notes: list[str]
) -> Iterator[MadeAttack]:
    """Yield the cheats on a phase; what is left out is added to ``notes``."""
    material = _with_files(target, subject, store)
    if SubmissionKind.RESULTS in target.kinds:
        for attack in results_attacks(material):
            yield MadeAttack(phase=target.phase, kind=SubmissionKind.RESULTS, attack=attack)
    if SubmissionKind.CODE in target.kinds:
        yield from _of_code(target, material, subject, store, with_long=with_long, notes=notes)
    if set(target.kinds) == {SubmissionKind.IMAGE}:
        notes.append(NO_KINDS.format(phase=target.title))


def _of_code(
    target: Target,
    material: Material,
    subject: DryRunSubject,
    store: Store,
    *,
    with_long: bool,
    notes: list[str],
) -> Iterator[MadeAttack]:
    entry = _entry(target, subject, store)
    if entry is None:
        notes.append(NO_ENTRY.format(phase=target.title))
        return
    is_short = target.are_runs_short and target.is_output_small
    for attack in code_attacks(material, entry):
        if not attack.is_long or with_long or is_short:
            yield MadeAttack(phase=target.phase, kind=SubmissionKind.CODE, attack=attack)
    if not (with_long or is_short):
        notes.append(NO_LONG.format(phase=target.title))


def _entry(target: Target, subject: DryRunSubject, store: Store) -> Entry | None:
    found = (
        entry_of(target.argv, files)
        for files in _contents(target, subject, store, SubmissionKind.CODE, _HEAD_BYTES)
    )
    return next(filter(None, found), None) or entry_of(target.argv, {})


def _with_files(target: Target, subject: DryRunSubject, store: Store) -> Material:
    examples = _contents(target, subject, store, SubmissionKind.RESULTS, MAX_EXAMPLE_BYTES + 1)
    return Material(
        required=target.material.required,
        max_bytes=target.material.max_bytes,
        columns=target.material.columns,
        sample=_sample(target, store),
        example=next(iter(examples), None),
    )


def _sample(target: Target, store: Store) -> bytes:
    if target.sample_sha256 is None:
        return b""
    files = _beginnings(store, target.sample_sha256, _HEAD_BYTES, below="input/")
    return next((content for _, content in sorted(files.items())), b"")


def _contents(
    target: Target, subject: DryRunSubject, store: Store, kind: SubmissionKind, max_bytes: int
) -> Iterator[Mapping[str, bytes]]:
    """Yield what the files of the bundle's own submissions of a kind hold, baselines and those of the phase first."""

    def order(trial: KnownTrial) -> tuple[bool, bool]:
        return trial.role is not TrialRole.BASELINE, trial.phase != target.phase

    for trial in sorted((one for one in subject.trials if one.kind is kind), key=order):
        files = _beginnings(store, trial.file.sha256, max_bytes)
        if files:
            yield files
        elif kind is SubmissionKind.RESULTS and len(target.material.required) == 1:
            yield {target.material.required[0]: _plain(store, trial.file.sha256, max_bytes)}


def _beginnings(store: Store, sha256: str, max_bytes: int, below: str = "") -> dict[str, bytes]:
    try:
        return beginnings(store.path(sha256), max_bytes=max_bytes, below=below)
    except (BadArchiveError, FileNotFoundError):
        return {}


def _plain(store: Store, sha256: str, max_bytes: int) -> bytes:
    try:
        with store.open(sha256) as file:
            return file.read(max_bytes)
    except (DamagedFileError, FileNotFoundError):
        return b""
