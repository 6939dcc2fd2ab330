"""Deleting what nobody keeps any longer, a few things at a time. Killed anywhere, it goes on there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.db.tables import Deletion
from portal.domain.accounts.people import PORTAL, Actor
from portal.domain.errors import UntrustedValueError
from portal.domain.retention import ArtifactKind
from portal.domain.untrusted import Sha256
from portal.files.atomic import PART
from portal.files.outputs.removal import content_of, remove
from portal.files.store import StoreError
from portal.services.attention.troubles import Step
from portal.services.site import retention
from portal.services.site.retention import Candidate
from portal.worker.boundary import check_deletion, place_of, token_of, upload_digest
from portal.worker.context import WorkerContext, made_of_upload
from portal.worker.set_aside import each
from scheduler.errors import UnreachableError
from scheduler.interface import Token

log = structlog.get_logger("sealrun.worker")

BATCH = 20
"""How many things of a kind are deleted at once."""
MIN_UNUSED_AGE = timedelta(hours=1)
"""A file that came again this short a time ago is being submitted: it stays."""
_OUTPUTS = frozenset({"output", "collected", "results", "code.tar", "source"})
_READ_BEFORE = frozenset({ArtifactKind.OUTPUT, ArtifactKind.LOG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What a step did."""

    deleted: int
    left: int
    """What the storage would not delete; it is tried again."""


def expire(context: WorkerContext, *, actor: Actor = PORTAL) -> Expired:
    """Delete up to a batch of each kind that is due, and what an earlier step began."""
    with context.database.reading() as session:
        rows = retention.unfinished(session, context.cluster.name, uploads=context.keeps_uploads)
    begun = [row.id for row in rows]
    begun += _intend(context)
    outcomes = list(each(context, Step.EXPIRE, begun, lambda one: _finish(context, one, actor)))
    return Expired(deleted=outcomes.count(True), left=outcomes.count(None))


def due_now(context: WorkerContext) -> list[Candidate]:
    """List what a step would delete; nothing is changed."""
    with context.database.writing() as session:
        found = _candidates(session, context, now=context.clock())
    return [*found, *_refused(context)]


def _candidates(session: Session, context: WorkerContext, *, now: datetime) -> list[Candidate]:
    return retention.candidates(
        session,
        context.resources.retention,
        context.cluster.name,
        uploads=context.keeps_uploads,
        limit=BATCH,
        now=now,
    )


def _intend(context: WorkerContext) -> list[str]:
    now = context.clock()
    with context.database.writing() as session:
        # Under the locks with which they were chosen, so that none is submitted again meanwhile.
        found = _candidates(session, context, now=now)
        begun = [
            retention.intend(session, one, now=now) for one in found if one.kind not in _READ_BEFORE
        ]
    # A run that is over does not begin again; reading what it left may take long.
    unread = {f"{one.kind}:{one.subject}": one for one in found if one.kind in _READ_BEFORE}
    others = list(
        each(context, Step.EXPIRE, list(unread), lambda one: _with_content(context, unread[one]))
    )
    with context.database.writing() as session:
        begun += [retention.intend(session, one, now=now) for one in [*others, *_refused(context)]]
    return begun


def _refused(context: WorkerContext) -> list[Candidate]:
    """List files of uploads that were refused: the store has them, and the database does not."""
    if not context.keeps_uploads:
        return []
    after = context.resources.retention.refused

    def known(digests: list[str]) -> set[str]:
        with context.database.reading() as session:
            return retention.known(session, digests)

    found = [
        Candidate(
            kind=ArtifactKind.UPLOAD,
            subject=stored.sha256,
            challenge_id=None,
            policy=f"uploads that nothing was made of: {after / timedelta(days=1):g} days",
            sha256=stored.sha256,
            size=stored.size,
        )
        for number in range(256)
        for stored in context.store.unknown_to(known, prefix=f"{number:02x}", older_than=after)
    ]
    return found[:BATCH]


def _with_content(context: WorkerContext, candidate: Candidate) -> Candidate:
    """Say what a run's directory holds before it goes."""
    content = content_of(_run_paths(context, candidate.subject, candidate.kind))
    return replace(candidate, sha256=content.sha256, size=content.size)


def _finish(context: WorkerContext, deletion_id: str, actor: Actor) -> bool | None:
    """Delete what a row says and record it; False if it is wanted again, None if it would not go."""
    with context.database.reading() as session:
        row = session.get_one(Deletion, deletion_id)
    try:
        check_deletion(row)
        with context.database.reading() as session:
            is_wanted = retention.is_wanted(session, row)
        is_gone = not is_wanted and _delete(context, row)
    except (OSError, StoreError, UnreachableError, UntrustedValueError, NoResultFound) as problem:
        log.warning("delete_failed", kind=row.kind, subject=row.subject, problem=str(problem))
        return None
    with context.database.writing() as session:
        if is_gone:
            retention.done(session, deletion_id, actor=actor, now=context.clock())
        else:
            retention.keep(session, deletion_id)
    return is_gone


def _delete(context: WorkerContext, row: Deletion) -> bool:
    """Delete the files; False: they came again. Raises ``OSError`` where the storage refuses."""
    if row.kind is ArtifactKind.UPLOAD:
        return _delete_upload(context, upload_digest(row.sha256, "deletions.sha256"))
    if row.kind is ArtifactKind.IMAGE:
        paths = _image_paths(context, row)
    else:
        paths = _run_paths(context, row.subject, row.kind)
    return _all_gone(context, paths)


def _delete_upload(context: WorkerContext, digest: Sha256) -> bool:
    """Delete an upload and what was made of it on the clusters; whoever needs that makes it again."""
    if not context.store.remove(digest, unused_for=MIN_UNUSED_AGE):
        return False
    for other in set(context.stores) - {context.store}:
        other.remove(digest, unused_for=timedelta(0))
    made = [path for storage in context.storages for path in made_of_upload(storage, digest)]
    return _all_gone(context, made)


def _all_gone(context: WorkerContext, paths: Sequence[Path]) -> bool:
    if not (context.cluster.files.remove(paths) and remove(paths)):
        raise OSError("something of it is left")
    return True


def _image_paths(context: WorkerContext, row: Deletion) -> Sequence[Path]:
    """Return the image, what is noted beside it, and the directories in which it was built."""
    with context.database.reading() as session:
        builds = retention.builds_of(session, row.subject, context.cluster.name)
        places = [place_of(session, token_of(token)) for _, token in builds]
    directories = [
        context.cluster.run_directory(place.job_id, Token(place.token)) for place in places
    ]
    if not row.sha256:  # it was never made
        return directories
    digest = upload_digest(row.sha256, "deletions.sha256")
    images = context.cluster.images
    return [images / f"{digest}.sif", *images.glob(f"{digest}.[!s]*"), *directories]


def _run_paths(context: WorkerContext, token: str, kind: ArtifactKind) -> Sequence[Path]:
    """Return what goes of a run: what it made, or all the rest."""
    named = token_of(token, "deletions.subject")
    with context.database.reading() as session:
        directory = context.cluster.run_directory(place_of(session, named).job_id, named)
    if not directory.is_dir():
        return []
    is_output = kind is ArtifactKind.OUTPUT
    return sorted(path for path in directory.iterdir() if _is_output(path.name) is is_output)


def _is_output(name: str) -> bool:
    """Whether it is of the run's making; what was left half copied is as well."""
    return name in _OUTPUTS or name.startswith(PART)
