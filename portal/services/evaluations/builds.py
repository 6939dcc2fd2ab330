"""Which image is made next: only what somebody still needs, and teams take turns.

Making an image costs the cluster, and what of a submission is cancelled before that is free. So a build is opened in the
transaction in which those who wait for it are seen to wait, and from then on they count: see ``cancellation``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from portal.db.queries.evaluations import builds as queries
from portal.db.tables import Evaluation, Image
from portal.domain.challenges.profiles import Profile
from portal.domain.evaluations.failures import FailureReason
from portal.domain.evaluations.jobs import MAX_OPEN_BUILDS, JobKind
from portal.domain.evaluations.shares import in_turn
from portal.domain.evaluations.states import EvaluationState, ImageState
from portal.services.attention.troubles import Guard
from portal.services.evaluations import attempts, images, transitions

log = structlog.get_logger("sealrun.worker")

AGAIN_AFTER = timedelta(minutes=10)
"""How long after its failure an image of the site is tried again."""
MAX_DETAIL_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DueBuild:
    """An image that can be made now, and the evaluations that wait for it. Their rows are locked."""

    image: Image
    waiting: Sequence[Evaluation]


def due(
    session: Session,
    guard: Guard,
    profile: Profile,
    *,
    places: int | None,
    probe_image_id: str,
    may_build: Callable[[Image], bool],
    now: datetime,
) -> list[DueBuild]:
    """List the builds of a cluster for which there is room, in their order: ``places`` in ``profile``, where that is limited.

    What the site and its challenges need comes first. Of one team, and of one person in whatever teams, at most
    ``MAX_OPEN_BUILDS`` are open at once.
    """
    own = _of_the_site(session, guard, profile.cluster, probe_image_id, now=now)
    needs = [one.image for one in _in_turn(session, profile.cluster) if one.image not in own]
    # Held here, the bases are read once.
    rows = queries.lock_waiting_for(session, {*own, *needs})
    others = {row.image.id: row.image for row in rows}
    waiting: dict[str, list[Evaluation]] = {}
    for row in rows:
        waiting.setdefault(row.image.id, []).append(row.evaluation)

    def look(image: Image) -> DueBuild | None:
        is_ready = _base_is_ready(session, image, now=now) and may_build(image)
        return DueBuild(image=image, waiting=waiting.get(image.id, ())) if is_ready else None

    # Whoever cancels at this moment holds the row, or waits for it: then it is not made.
    wanted = [*own.values(), *(others[image] for image in needs if image in others)]
    looked = guard.look(wanted, look, row=lambda image: image)
    return [one for one in looked if one is not None][:places]


def _of_the_site(
    session: Session, guard: Guard, cluster: str, probe_image_id: str, *, now: datetime
) -> dict[str, Image]:
    """Return the images that the site and its challenges need and that wait, by their ids.

    Where the cluster was what failed they wait again after a while. Nobody submits them once more: without this one
    node's failure would stop a challenge, or the site, for good.
    """
    found = queries.of_the_site(session, cluster, probe_image_id, failed_before=now - AGAIN_AFTER)
    failed = [image for image in found if image.state is ImageState.FAILED]

    def again(image: Image) -> None:
        if images.is_tried_again(image):
            log.warning(
                "image_rebuilt", image=image.id, failed_with=image.detail[:MAX_DETAIL_CHARS]
            )
            images.try_again(session, image, now=now)

    guard.write(failed, again, row=lambda image: image)
    session.flush()
    return {image.id: image for image in found if image.state is ImageState.WAITING}


def open_all(
    session: Session, guard: Guard, builds: Iterable[DueBuild], profile: Profile, *, now: datetime
) -> int:
    """Open builds, and let those who wait for them be seen to have caused them; return how many."""

    def open_one(one: DueBuild) -> None:
        attempts.open_job(
            session, kind=JobKind.BUILD, profile=profile, image_id=one.image.id, now=now
        )
        images.move_image(one.image, ImageState.BUILDING, now=now)
        for evaluation in one.waiting:
            transitions.move(session, evaluation, EvaluationState.BUILDING, now=now)

    return guard.write(builds, open_one, row=lambda one: one.image)


def _in_turn(session: Session, cluster: str) -> Sequence[queries.Need]:
    """List who needs an image so that teams take turns, without those that have enough being made."""
    waiting = queries.needs(session, cluster)
    if not waiting:
        return []
    of_team: Counter[str] = Counter()
    of_person: Counter[str] = Counter()
    for made in queries.being_made(session):
        if not made.is_rerun:
            of_team[made.team] += 1
            of_person[made.person] += 1
    needs = [(one, one.team) for one in waiting]
    chosen: dict[str, queries.Need] = {}
    for one in in_turn(needs, of_team):
        if one.image in chosen:
            continue
        if not one.is_rerun:
            if max(of_team[one.team], of_person[one.person]) >= MAX_OPEN_BUILDS:
                continue
            of_team[one.team] += 1
            of_person[one.person] += 1
        chosen[one.image] = one
    return list(chosen.values())


def _base_is_ready(session: Session, image: Image, *, now: datetime) -> bool:
    if image.base_image_id is None:
        return True
    base = session.get_one(Image, image.base_image_id)
    if base.state is ImageState.FAILED and not images.is_tried_again(base):
        images.move_image(image, ImageState.FAILED, now=now)
        image.reason = FailureReason.PREPARATION
        image.detail = f"the base image {base.id} could not be built: {base.detail}"
    return base.state is ImageState.READY
