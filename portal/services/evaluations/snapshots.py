"""Measuring the data that results refer to: once before the first run, again from time to time and on suspicion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.queries.evaluations import snapshots as queries
from portal.db.tables import DataSnapshot, Evaluation
from portal.domain.accounts.people import PORTAL
from portal.domain.audit import Action, Subject
from portal.domain.challenges.profiles import DataDirectory, Profile, Resources
from portal.domain.evaluations.jobs import JobKind
from portal.domain.evaluations.neighbours import Neighbours, Wish
from portal.domain.evaluations.states import SNAPSHOT_TRANSITIONS, SnapshotState, check_transition
from portal.domain.ids import new_id
from portal.services.attention.troubles import Guard
from portal.services.audit import log as audit_log
from portal.services.evaluations import attempts
from portal.services.evaluations.neighbours import wish_for

AFTER_FAILURE = timedelta(hours=1)
"""How long after a measurement that failed the next one is made."""
_UNDER_WAY = frozenset({SnapshotState.WAITING, SnapshotState.MEASURING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The outcome of a measurement."""

    root: str
    fingerprint: str
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A measurement that no job was opened for yet."""

    snapshot: DataSnapshot
    profile: Profile
    wish: Wish


def due(
    session: Session,
    guard: Guard,
    measured: "Measured",
    *,
    resources: Resources,
    cluster: str,
    now: datetime,
) -> list[Due]:
    """Ask for each directory in use that was never measured, or not lately; return all that is to be measured."""
    newest = measured.newest
    in_use = sorted(queries.names_in_use(session, cluster, now=now))
    wanted = [data for name in in_use if (data := resources.data.get(name)) and data.measure]
    measured_before = [(newest[one.name], one) for one in wanted if one.name in newest]
    due_again = guard.look(
        measured_before,
        lambda one: one[1] if _is_due(*one, now=now) else None,
        row=lambda one: one[0],
    )
    for data in (*(one for one in wanted if one.name not in newest), *due_again):
        if data is not None:
            ask(session, data, cluster, now=now)
    session.flush()

    def look(snapshot: DataSnapshot) -> Due:
        profile = _profile(resources, resources.data.get(snapshot.name), cluster)
        wish = wish_for(snapshot, JobKind.MEASURE, profile)
        return Due(snapshot=snapshot, profile=profile, wish=wish)

    return guard.look(queries.waiting(session, cluster), look, row=lambda snapshot: snapshot)


def open_due(
    session: Session, guard: Guard, found: Sequence[Due], neighbours: Neighbours, *, now: datetime
) -> int:
    """Open the jobs that measure, where they may be beside what lives; return how many."""

    def open_one(one: Due) -> None:
        attempts.open_job(
            session,
            kind=JobKind.MEASURE,
            profile=one.profile,
            snapshot_id=one.snapshot.id,
            now=now,
        )
        move(one.snapshot, SnapshotState.MEASURING)

    admitted = [one for one in found if neighbours.admit(one.wish)]
    return guard.write(admitted, open_one, row=lambda one: one.snapshot)


def _profile(resources: Resources, data: DataDirectory | None, cluster: str) -> Profile:
    own = resources.profiles.get(data.profile) if data and data.profile else None
    if own is not None and own.cluster == cluster:
        return own
    return resources.profiles[resources.build_profiles[cluster]]


def _is_due(last: DataSnapshot, data: DataDirectory, *, now: datetime) -> bool:
    if last.state in _UNDER_WAY:
        return False
    if last.path != str(data.path):
        return True
    pause = data.recheck if last.state is SnapshotState.READY else min(AFTER_FAILURE, data.recheck)
    return last.created_at + pause <= now


def ask(session: Session, data: DataDirectory, cluster: str, *, now: datetime) -> DataSnapshot:
    """Let a directory be measured; where that is under way already, return that measurement."""
    last = queries.newest(session, cluster).get(data.name)
    if last is not None and last.state in _UNDER_WAY:
        return last
    snapshot = DataSnapshot(
        id=new_id(now),
        name=data.name,
        cluster=cluster,
        path=str(data.path),
        state=SnapshotState.WAITING,
        created_at=now,
    )
    session.add(snapshot)
    session.flush()
    return snapshot


def move(snapshot: DataSnapshot, to: SnapshotState) -> None:
    """Take an allowed step; raises ``InvalidTransitionError`` otherwise."""
    snapshot.state = check_transition(SNAPSHOT_TRANSITIONS, snapshot.state, to)


def measured(session: Session, snapshot_id: str, found: Measurement, *, now: datetime) -> bool:
    """Record what a measurement found; return whether it differs from the one before."""
    snapshot = session.get_one(DataSnapshot, snapshot_id, with_for_update=True)
    if snapshot.state not in _UNDER_WAY:
        return False
    before = queries.ready(session, name=snapshot.name, cluster=snapshot.cluster)
    move(snapshot, SnapshotState.READY)
    snapshot.root, snapshot.fingerprint = found.root, found.fingerprint
    snapshot.files, snapshot.size = found.files, found.size
    snapshot.measured_at = now
    changed = any(one.root != found.root for one in before)
    if changed or not before:
        audit_log.note(
            session,
            actor=PORTAL,
            action=Action.DATA_CHANGED if changed else Action.DATA_MEASURED,
            subject=Subject(kind="data", id=snapshot.name),
            now=now,
            cluster=snapshot.cluster,
            root=found.root,
        )
    return changed


def failed(session: Session, snapshot_id: str, detail: str) -> None:
    """Record that a directory could not be measured."""
    snapshot = session.get_one(DataSnapshot, snapshot_id, with_for_update=True)
    if snapshot.state not in _UNDER_WAY:
        # It was set aside, and another has been made since.
        return
    move(snapshot, SnapshotState.FAILED)
    snapshot.detail = detail


def current(session: Session, data: DataDirectory | None, cluster: str) -> DataSnapshot | None:
    """Return the last measurement of a directory at its present place; None where it is not measured."""
    if data is None or not data.measure:
        return None
    found = queries.ready(session, name=data.name, cluster=cluster)
    return next((one for one in found if one.path == str(data.path)), None)


class Measured:
    """Which data was measured on a cluster, read once a pass."""

    def __init__(self, session: Session, resources: Resources, cluster: str) -> None:
        rows = queries.newest_and_last_ready(session, cluster)
        self.newest = {row.name: row for row in rows}
        """The last measurement of each name, whatever came of it."""
        self._there = {(row.name, row.path) for row in rows if row.state is SnapshotState.READY}
        self._data = resources.data

    def has_all_of(self, evaluation: Evaluation) -> bool:
        """Whether all that an evaluation reads was measured; runs on the sample read none of it."""
        if evaluation.submission.is_smoke:
            return True
        names = (evaluation.task.input_data, evaluation.task.truth_data)
        needed = [self._data[name] for name in names if name in self._data]
        return all(not one.measure or (one.name, str(one.path)) in self._there for one in needed)
