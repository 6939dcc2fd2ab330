"""Images: one row per recipe, so that the same bytes are never built twice."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import Blob, Image, Task
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.evaluations.states import IMAGE_TRANSITIONS, ImageState, check_transition
from portal.domain.ids import new_id
from portal.services.attention import troubles


def keep_blob(session: Session, *, sha256: str, size: int, now: datetime) -> None:
    """Note that the store has these bytes; noting it twice changes nothing.

    What is not noted is taken for an upload that was refused, and is removed after a while.
    """
    blob = session.get(Blob, sha256, with_for_update=True)
    if blob is None:
        insert_if_absent(session, Blob(sha256=sha256, size=size, created_at=now))
    elif blob.deleted_at is not None:
        blob.deleted_at = None


def image_of(
    session: Session,
    *,
    kind: ImageKind,
    source_sha256: str,
    cluster: str,
    base: Image | None = None,
    now: datetime,
) -> Image:
    """Return the image of a recipe on a cluster; a new one waits to be built, and one that failed waits again.

    What failed need not fail for ever: nodes, what the site accepts and its limits change.
    """
    recipe = f"{kind}:{source_sha256}" + (f":{base.source_sha256}" if base else "")
    known = select(Image).where(Image.recipe == recipe, Image.cluster == cluster).with_for_update()
    image = session.scalar(known)
    if image is None:
        image = Image(
            id=new_id(now),
            recipe=recipe,
            cluster=cluster,
            kind=kind,
            source_sha256=source_sha256,
            base_image_id=base.id if base else None,
            state=ImageState.WAITING,
            created_at=now,
            updated_at=now,
        )
        return image if insert_if_absent(session, image) else session.scalars(known).one()
    if image.state is ImageState.FAILED:
        try_again(session, image, now=now)
    elif image.deleted_at is not None:
        build_again(image, now=now)
    return image


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededImage:
    """An image that a task of a challenge needs."""

    task: str
    """How ``challenge.yaml`` calls the task."""
    part: str
    """What it is there: ``scorer`` or ``base``."""
    cluster: str
    state: ImageState


def of_challenge(session: Session, challenge_id: str) -> list[NeededImage]:
    """List the images that the tasks of a challenge need, in the order of the tasks."""
    tasks = session.scalars(
        select(Task).where(Task.challenge_id == challenge_id).order_by(Task.position)
    ).all()
    parts = [
        (task.slug, part, image_id)
        for task in tasks
        for part, image_id in (("scorer", task.scorer_image_id), ("base", task.base_image_id))
        if image_id
    ]
    rows = session.scalars(select(Image).where(Image.id.in_({image_id for *_, image_id in parts})))
    images = {row.id: row for row in rows}
    return [
        NeededImage(
            task=task, part=part, cluster=images[image_id].cluster, state=images[image_id].state
        )
        for task, part, image_id in parts
        if image_id in images
    ]


def is_tried_again(image: Image) -> bool:
    """Whether the cluster was what failed: what the site and its challenges need of such images waits meanwhile."""
    reason = FailureReason(image.reason or FailureReason.INFRASTRUCTURE)
    return image.state is ImageState.FAILED and not FAILURES[reason].counts


def try_again(session: Session, image: Image, *, now: datetime) -> None:
    """Let an image that could not be built wait once more; what went wrong with its builds is over."""
    troubles.forget_builds(session, image.id)
    move_image(image, ImageState.WAITING, now=now)
    image.reason = image.message = image.detail = ""


def build_again(image: Image, *, now: datetime) -> None:
    """Let an image whose file was deleted wait to be built."""
    image.deleted_at = None
    move_image(image, ImageState.WAITING, now=now)


def move_image(image: Image, to: ImageState, *, now: datetime) -> None:
    """Take an allowed step; raises ``InvalidTransitionError`` otherwise."""
    image.state = check_transition(IMAGE_TRANSITIONS, image.state, to)
    image.updated_at = now
