"""Deleting by policy: first the intent is written, then the files go, then that they have gone.

Whatever a killed worker left undone, the next one does: each step can be repeated. The rows stay.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.queries.site import retention as queries
from portal.db.tables import Attempt, Blob, Deletion, Image, RunLog
from portal.domain.accounts.people import PORTAL, Actor
from portal.domain.audit import Action, Subject
from portal.domain.ids import new_id
from portal.domain.retention import ArtifactKind, Policy
from portal.services.audit import log as audit_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The challenges of which a kind may go: for each since when, and by which rule."""

    since: Mapping[str, datetime]
    rules: Mapping[str, str]

    def last(self, challenges: Iterable[str]) -> str:
        """Return the challenge that let go last."""
        return max(challenges, key=lambda one: (self.since[one], one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may go."""

    kind: ArtifactKind
    subject: str
    challenge_id: str | None
    policy: str
    cluster: str = ""
    """Where it lies; empty for an upload."""
    sha256: str = ""
    """Where it is known without reading the files."""
    size: int = 0


def due(session: Session, policy: Policy, kind: ArtifactKind, *, now: datetime) -> Due:
    """Return the challenges whose time for a kind is over."""
    since, rules = {}, {}
    for challenge, ended_at in queries.ends(session):
        period = policy.period(kind, challenge.retention)
        at = period.due_at(ended_at)
        if at is not None and at <= now:
            since[challenge.id] = at
            rules[challenge.id] = period.in_words(kind)
    return Due(since=since, rules=rules)


def candidates(
    session: Session, policy: Policy, cluster: str, *, uploads: bool, limit: int, now: datetime
) -> list[Candidate]:
    """List what goes next on a cluster, of each kind up to a limit. Rows that are listed are locked.

    ``uploads``: whether those go, too, which the portal keeps for all clusters.
    """
    found: list[Candidate] = []
    for kind in ArtifactKind:
        if kind is ArtifactKind.UPLOAD and not uploads:
            continue
        ready = due(session, policy, kind, now=now)
        if ready.since:
            found += _of_kind(session, kind, ready, cluster, limit)
    return found


def _of_kind(
    session: Session, kind: ArtifactKind, ready: Due, cluster: str, limit: int
) -> Iterable[Candidate]:
    ids = list(ready.since)
    if kind is ArtifactKind.UPLOAD:
        for blob in queries.uploads(session, ids, limit):
            last = ready.last(queries.challenges_of_upload(session, blob.sha256))
            yield _candidate(kind, blob.sha256, last, ready, blob.sha256, blob.size)
    elif kind is ArtifactKind.IMAGE:
        for image in queries.images(session, ids, cluster, limit):
            last = ready.last(queries.challenges_of_image(session, image.id))
            yield replace(
                _candidate(kind, image.id, last, ready, image.sif_sha256 or "", image.size or 0),
                cluster=cluster,
            )
    else:
        for attempt, challenge_id in queries.runs(session, kind, ids, cluster, limit):
            yield replace(_candidate(kind, attempt.token, challenge_id, ready), cluster=cluster)


def _candidate(
    kind: ArtifactKind, subject: str, challenge_id: str, ready: Due, sha256: str = "", size: int = 0
) -> Candidate:
    return Candidate(
        kind=kind,
        subject=subject,
        challenge_id=challenge_id,
        policy=ready.rules[challenge_id],
        sha256=sha256,
        size=size,
    )


def intend(session: Session, candidate: Candidate, *, now: datetime) -> str:
    """Write down that something goes, so that nothing new relies on it; return the row's id."""
    row = Deletion(
        id=new_id(now),
        kind=candidate.kind,
        subject=candidate.subject,
        cluster=candidate.cluster,
        challenge_id=candidate.challenge_id,
        sha256=candidate.sha256,
        size=candidate.size,
        policy=candidate.policy[:200],
        intended_at=now,
    )
    session.add(row)
    if candidate.kind is ArtifactKind.UPLOAD and candidate.challenge_id is not None:
        session.get_one(Blob, candidate.subject).deleted_at = now
    elif candidate.kind is ArtifactKind.IMAGE:
        session.get_one(Image, candidate.subject).deleted_at = now
    session.flush()
    return row.id


def done(session: Session, deletion_id: str, *, actor: Actor = PORTAL, now: datetime) -> None:
    """Record that it has gone, in the audit log too; being recorded already changes nothing."""
    row = session.get_one(Deletion, deletion_id, with_for_update=True)
    if row.done_at is not None:
        return
    row.done_at = now
    if row.kind is ArtifactKind.LOG:
        _delete_logs(session, row.subject)
    audit_log.note(
        session,
        actor=actor,
        action=Action.FILES_DELETED,
        subject=Subject(kind=_WORDS[row.kind], id=row.subject),
        challenge_id=row.challenge_id,
        now=now,
        sha256=row.sha256,
        size=row.size,
        policy=row.policy,
    )


_WORDS = {
    ArtifactKind.UPLOAD: "upload",
    ArtifactKind.IMAGE: "image",
    ArtifactKind.OUTPUT: "output of run",
    ArtifactKind.LOG: "log of run",
}


def _delete_logs(session: Session, token: str) -> None:
    for stream in ("stdout", "stderr"):
        log = session.get(RunLog, (token, stream))
        if log is not None:
            session.delete(log)


def keep(session: Session, deletion_id: str) -> None:
    """Take an intent back: what was to go has come again meanwhile."""
    row = session.get_one(Deletion, deletion_id, with_for_update=True)
    if row.done_at is None:
        session.delete(row)


def known(session: Session, digests: Collection[str]) -> set[str]:
    """Return those of the store's files of which something was made, or that are on their way out."""
    leaving = {row.subject for row in queries.open_deletions(session, {""})}
    return queries.known_blobs(session, digests) | leaving.intersection(digests)


def is_wanted(session: Session, deletion: Deletion) -> bool:
    """Whether what was to go has been submitted or needed again since, or shares its file."""
    if deletion.kind is ArtifactKind.UPLOAD:
        return bool(queries.known_blobs(session, [deletion.sha256]))
    if deletion.kind is ArtifactKind.IMAGE:
        image = session.get_one(Image, deletion.subject)
        return image.deleted_at is None or queries.has_twin(session, image)
    return False


def unfinished(session: Session, cluster: str, *, uploads: bool) -> Sequence[Deletion]:
    """List what was to be deleted on a cluster, and of uploads, and is not known to have been."""
    return queries.open_deletions(session, {cluster, ""} if uploads else {cluster})


def builds_of(session: Session, image_id: str, cluster: str) -> Sequence[tuple[str, str]]:
    """Return jobs and tokens of the runs of a cluster that made, or failed to make, an image."""
    return queries.builds_of(session, image_id, cluster)


def place_of(session: Session, token: str) -> tuple[str, str]:
    """Return the job and the token that name a run's directory."""
    return session.get_one(Attempt, token).job_id, token
