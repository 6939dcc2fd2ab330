"""What a dry run is about: what a challenge runs, and what its bundle names to try that with."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from portal.db.tables import Challenge
from portal.domain.challenges.dry_runs import SCORED, Expectation, Range, TrialRole
from portal.domain.challenges.revisions import BundleFile
from portal.domain.submissions.limits import SubmissionKind
from portal.services.challenges.bundles import revisions
from portal.services.evaluations.task_approvals import approval_of
from site_config.bundle import phase_of, settings_of, trials_of
from site_config.challenge import Challenge as Described
from site_config.errors import SettingsError
from site_config.trials import Baseline, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTrial:
    """A baseline or a sample of the bundle."""

    role: TrialRole
    name: str
    filename: str
    phase: str
    kind: SubmissionKind
    file: BundleFile
    expected: Expectation
    board: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunSubject:
    """A challenge as a dry run tries it."""

    revision: int
    sha256: str
    """Of all that runs, that is submitted and that is expected: not of pages, dates and limits."""
    trials: tuple[KnownTrial, ...]


def subject_of(session: Session, challenge: Challenge) -> DryRunSubject:
    """Return what a dry run of a challenge would be about now."""
    held = revisions.current(session, challenge.id)
    trials: tuple[KnownTrial, ...] = ()
    if held is not None:
        content = revisions.content_of(session, held)
        try:
            trials = tuple(_trials(settings_of(content.settings), content.files))
        except SettingsError:
            # What another release wrote names neither baselines nor samples.
            trials = ()
    return DryRunSubject(
        revision=held.number if held else 0,
        sha256=_digest(session, challenge.slug, trials),
        trials=trials,
    )


def _trials(described: Described, files: Mapping[str, BundleFile]) -> Iterator[KnownTrial]:
    for _, trial in trials_of(described):
        phase, file = phase_of(described, trial), files.get(str(trial.file))
        if phase is None or file is None:
            continue
        is_baseline = isinstance(trial, Baseline)
        yield KnownTrial(
            role=TrialRole.BASELINE if is_baseline else TrialRole.SAMPLE,
            name=trial.name,
            filename=trial.file.name,
            phase=phase.id,
            kind=SubmissionKind(trial.kind),
            file=file,
            expected=_expected(trial),
            board=isinstance(trial, Baseline) and trial.board,
        )


def _expected(trial: Sample) -> Expectation:
    if isinstance(trial.expect, dict):
        bounds = {key: Range(minimum=one.min, maximum=one.max) for key, one in trial.expect.items()}
        return Expectation(bounds=bounds)
    return Expectation(outcome=SCORED if trial.expect == SCORED else trial.expect.value)


def _digest(session: Session, slug: str, trials: tuple[KnownTrial, ...]) -> str:
    covered = {
        "runs": asdict(approval_of(session, slug)),
        "trials": [
            [one.role, one.file.sha256, one.kind, one.phase, asdict(one.expected)] for one in trials
        ],
    }
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
