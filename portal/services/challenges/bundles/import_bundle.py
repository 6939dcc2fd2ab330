"""Import a challenge bundle. Idempotent: importing it again brings the challenge up to date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, inspect, select
from sqlalchemy.orm import Session

from portal.db.engine import insert_if_absent
from portal.db.tables import (
    Base,
    Board,
    Challenge,
    Column,
    Download,
    Image,
    Page,
    Phase,
    PhaseTask,
    Pick,
    Picture,
    Standing,
    Task,
)
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.people import Actor
from portal.domain.audit import Action, Subject
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.profiles import Resources
from portal.domain.challenges.questions import Asking
from portal.domain.challenges.revisions import BundleFile, Origin
from portal.domain.errors import ParticipantError
from portal.domain.evaluations.jobs import ImageKind
from portal.domain.ids import new_id
from portal.domain.leaderboards.scores import Rule
from portal.domain.permissions import Audience
from portal.domain.submissions.admission import Needs
from portal.domain.submissions.disclosure import Failures
from portal.domain.submissions.questions import Question, QuestionType
from portal.services.audit import log as audit_log
from portal.services.challenges import access
from portal.services.challenges.bundles import revisions
from portal.services.challenges.bundles.board_rows import rows_of_boards, rows_of_columns
from portal.services.challenges.bundles.departures import let_go
from portal.services.challenges.bundles.file_rows import (
    folder_of,
    rows_of_downloads,
    rows_of_pages,
    rows_of_pictures,
)
from portal.services.challenges.bundles.revisions import RevisionContent
from portal.services.evaluations import images
from portal.services.leaderboards import standings
from portal.services.leaderboards.boards import columns_of
from site_config import challenge as bundle
from site_config.bundle import downloads_of, pictures_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContent:
    """What is to be written of a bundle, beside its settings."""

    texts: Mapping[PurePosixPath, str]
    """Of its pages and terms."""
    all_of_it: RevisionContent
    """The text of ``challenge.yaml`` and every file that it names, as the store has them."""

    def file(self, path: PurePosixPath) -> BundleFile:
        """Return a file that the settings name."""
        return self.all_of_it.files[str(path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What an import has changed."""

    id: str
    slug: str
    is_new: bool
    revision: int
    changes: tuple[str, ...]
    """In the words of ``challenge.yaml``; empty where all was there as it is, and for a new challenge."""
    is_tried_first: bool = False
    """Whether it is a new one that stays a draft until a dry run was made."""


TAKEN = "Another challenge is called '{slug}'. Choose another 'slug'."

_Row = TypeVar("_Row", bound=Base)

_WORDS = {
    "starts_at": "start", "ends_at": "end", "markdown": "text", "is_primary": "primary",
    "minimum": "min", "maximum": "max", "per_day": "limits.per_day", "total": "limits.total",
    "after_slug": "after.phase", "after_needs": "after.needs", "after_rank": "after.rank",
    "takes_late": "late", "per_week": "limits.per_week", "failed_per_day": "limits.failed_per_day",
    "running": "limits.running", "input_data": "input.data", "truth_data": "truth.data",
    "sample_sha256": "sample", "scorer_image_id": "scorer.image", "base_image_id": "base.image",
    "predict_profile": "predict.profile", "predict_argv": "predict.argv",
    "score_profile": "score.profile", "score_argv": "score.argv",
    "required_outputs": "outputs.required", "output_limit": "outputs.max",
    "output_files": "outputs.files", "rule": "leaderboard.rule",
    "reveal_at": "leaderboard.reveal", "ladder_eta": "leaderboard.ladder",
    "team_size": "teams.max_size", "rosters_freeze_at": "teams.freeze",
    "join_policy": "join.policy", "join_gate": "join.claims", "blob_sha256": "file",
    "readers": "for", "url_sha256": "sha256", "terms_folder": "terms",
}  # fmt: skip
"""What ``challenge.yaml`` calls what the tables call otherwise."""
_WORDS_OF: dict[type[Base], dict[str, str]] = {
    Board: {
        "ranking": "rank", "shown": "columns", "rule": "counts", "number": "picks", "ladder_eta": "ladder",
        "ranks_organisers": "eligible", "reveal_at": "reveal", "freeze_at": "freeze",
        "anonymous_until": "anonymous",
    },
    Column: {"task_id": "task", "source": "from", "formula": "compute", "reveal_at": "reveal"},
}  # fmt: skip
"""The same of tables in which a word means another key."""
_OF_ITSELF = {"updated_at", "approved_at", "position", "cluster", "folder", "size"}


def add_challenge(
    session: Session,
    *,
    actor: Actor,
    described: bundle.Challenge,
    material: BundleContent,
    resources: Resources,
    as_draft: bool = False,
    untried: bool = False,
    origin: Origin = Origin.COMMAND,
    now: datetime,
) -> TakenIn:
    """Write the challenge; what is there already is brought up to date, and stays in its state.

    A new one is published, or a draft: also where it names baselines or samples, of which a dry run is made before it
    is published, unless it is to be published ``untried``. Whoever calls this approves what it runs.

    Raises ``ParticipantError`` for a change that would take something away from what teams have
    submitted: a phase or a task that submissions refer to cannot go; and ``NotAllowedError`` for an archive.
    """
    _check_may_change(session, actor, described.slug)
    challenge, is_new, changes = write(
        session, described=described, material=material, resources=resources, now=now
    )
    is_tried_first = bool(described.baselines or described.samples) and not untried
    if is_new:
        is_draft = as_draft or is_tried_first
        challenge.state = ChallengeState.DRAFT if is_draft else ChallengeState.PUBLISHED
    challenge.approved_at = now
    # Precision, sense and rule decide who stands where: what is shown has to follow them.
    standings.rebuild(session, challenge.id)
    number = revisions.record(
        session,
        challenge=challenge,
        content=material.all_of_it,
        changes=changes,
        origin=origin,
        actor=actor,
        now=now,
    )
    audit_log.note(
        session,
        actor=actor,
        action=Action.CHALLENGE_ADDED if is_new else Action.CHALLENGE_CHANGED,
        subject=Subject(kind="challenge", id=challenge.id),
        challenge_id=challenge.id,
        now=now,
        revision=number,
    )
    return TakenIn(
        id=challenge.id,
        revision=number,
        slug=challenge.slug,
        is_new=is_new,
        changes=changes,
        is_tried_first=is_new and is_tried_first,
    )


def _check_may_change(session: Session, actor: Actor, slug: str) -> None:
    known = session.scalar(select(Challenge).where(Challenge.slug == slug).with_for_update())
    if known is not None:
        access.check_may_change(access.relation_of(session, known, actor))


def write(
    session: Session,
    *,
    described: bundle.Challenge,
    material: BundleContent,
    resources: Resources,
    now: datetime,
) -> tuple[Challenge, bool, tuple[str, ...]]:
    """Write what a bundle says, and nothing of who said it; return the challenge, whether it is new, what changed.

    What stands on the boards is for the caller to bring up to date. Raises ``ParticipantError`` as ``add_challenge``.
    """
    changes: list[str] = []
    challenge, is_new = _challenge(session, described, material, changes, now=now)
    _files(session, challenge, described, material, changes, now=now)
    tasks = _tasks(session, challenge, described, material, resources, changes, now=now)
    _phases(session, challenge, described, tasks, changes, now=now)
    _columns(session, challenge, described, tasks, changes, now=now)
    _boards(session, challenge, described, changes, now=now)
    return challenge, is_new, () if is_new else tuple(changes)


def revealed_by(session: Session, described: bundle.Challenge, *, now: datetime) -> bool:
    """Whether taking this in would show at once what is to be kept until a reveal."""
    shown = [
        column.key
        for column in described.scores
        if described.is_private(column.key) and _is_past(described.reveal_of(column.key), now)
    ]
    boards = [board.id for board in described.boards if _is_past(board.reveal, now)]
    reveal = described.leaderboard.reveal if described.leaderboard else None
    if not (shown or boards or _is_past(reveal, now)):
        return False
    challenge = session.scalar(select(Challenge).where(Challenge.slug == described.slug))
    if challenge is None:
        return True
    if described.leaderboard is not None:
        return not _is_past(challenge.reveal_at, now)
    open_columns = {column.key for column in columns_of(session, challenge) if column.is_open(now)}
    open_boards = {
        row.slug
        for row in session.scalars(select(Board).where(Board.challenge_id == challenge.id))
        if row.reveal_at is None or row.reveal_at <= now
    }
    return not (set(shown) <= open_columns and set(boards) <= open_boards)


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _challenge(
    session: Session,
    described: bundle.Challenge,
    material: BundleContent,
    changes: list[str],
    *,
    now: datetime,
) -> tuple[Challenge, bool]:
    """Return the challenge, and whether it is new."""
    row = session.scalar(
        select(Challenge).where(Challenge.slug == described.slug).with_for_update()
    )
    is_new = row is None
    if row is None:
        row = Challenge(id=new_id(now), slug=described.slug, created_at=now)
    row.title = described.title
    row.summary = described.summary or ""
    row.logo = str(described.logo or "")
    row.terms = material.texts[described.terms] if described.terms else ""
    row.terms_folder = folder_of(described.terms) if described.terms else ""
    row.timezone = described.timezone or ""
    row.join_policy = described.join.policy
    row.join_gate = _join_gate(described.join)
    row.q_and_a = Asking(described.q_and_a)
    row.team_size = described.teams.max_size
    row.rosters_freeze_at = described.teams.freeze
    short = described.leaderboard
    row.rule = Rule(short.rule) if short else Rule.BEST
    row.reveal_at = short.reveal if short else None
    row.ladder_eta = short.ladder.eta if short and short.ladder else None
    row.retention = {
        name: int(period.total_seconds())
        for name, period in dict(described.retention).items()
        if period is not None
    }
    row.questions = [_question(one) for one in described.questions]
    row.updated_at = now
    changes += _changed(row)
    if is_new and not insert_if_absent(session, row):
        # Nobody could have found it: it was made in a transaction that was still open.
        raise ParticipantError(TAKEN.format(slug=described.slug), reason="taken")
    session.flush()
    return row, is_new


def _question(asked: bundle.Question) -> dict[str, Any]:
    return Question(
        key=asked.key,
        title=asked.title,
        type=QuestionType(asked.type),
        help=asked.help or "",
        choices=asked.choices or (),
        is_required=asked.required,
        on_board=asked.board,
        until=asked.until,
    ).as_json()


def _join_gate(join: bundle.Join) -> dict[str, Any]:
    if not join.claims:
        return {}
    claims = {
        claim: (want,) if isinstance(want, str) else want for claim, want in join.claims.items()
    }
    title = join.rule or f"What this challenge asks of a login: {', '.join(claims)}"
    return Gate(title=title, claims=claims, ask=join.ask or "").as_json()


def _files(
    session: Session,
    challenge: Challenge,
    described: bundle.Challenge,
    material: BundleContent,
    changes: list[str],
    *,
    now: datetime,
) -> None:
    """Write the pages, the pictures that they show, and what can be downloaded."""
    shown = (*pictures_of(described, material.texts), *downloads_of(described))
    for file in map(material.file, shown):
        images.keep_blob(session, sha256=file.sha256, size=file.size, now=now)
    texts = material.texts
    for table, name, rows in (
        (Page, "slug", rows_of_pages(described, texts)),
        (Picture, "path", rows_of_pictures(described, texts, material.file)),
        (Download, "name", rows_of_downloads(described, material.file)),
    ):
        _bring_up_to_date(session, table, name, challenge, rows, changes, now=now)


def _tasks(
    session: Session,
    challenge: Challenge,
    described: bundle.Challenge,
    material: BundleContent,
    resources: Resources,
    changes: list[str],
    *,
    now: datetime,
) -> dict[str, Task]:
    def cluster(task: bundle.Task) -> str:
        return resources.profiles[task.predict.profile].cluster

    def sample(name: PurePosixPath | None) -> str | None:
        if name is None:
            return None
        packed = material.file(name)
        images.keep_blob(session, sha256=packed.sha256, size=packed.size, now=now)
        return packed.sha256

    def image(archive: bundle.Archive | None, task: bundle.Task) -> str | None:
        if archive is None:
            return None
        return _image(session, material.file(archive.image), cluster(task), now=now).id

    wanted = {
        name: {
            "position": position,
            "cluster": cluster(task),
            "input_data": task.input.data,
            "truth_data": task.truth.data,
            "sample_sha256": sample(task.sample),
            "scorer_image_id": image(task.scorer, task),
            "base_image_id": image(task.base, task),
            "predict_profile": task.predict.profile,
            "predict_argv": list(task.predict.argv),
            "score_profile": task.score.profile,
            "score_argv": list(task.score.argv),
            "required_outputs": [str(name) for name in task.outputs.required],
            "output_limit": min(task.outputs.max or resources.output_limit, resources.output_limit),
            "output_files": min(
                task.outputs.files or resources.output_files, resources.output_files
            ),
        }
        for position, (name, task) in enumerate(described.tasks.items())
    }
    return _bring_up_to_date(session, Task, "slug", challenge, wanted, changes, now=now)


def _image(session: Session, archive: BundleFile, cluster: str, *, now: datetime) -> Image:
    images.keep_blob(session, sha256=archive.sha256, size=archive.size, now=now)
    return images.image_of(
        session,
        kind=ImageKind.ARCHIVE,
        source_sha256=archive.sha256,
        cluster=cluster,
        now=now,
    )


def _phases(
    session: Session,
    challenge: Challenge,
    described: bundle.Challenge,
    tasks: Mapping[str, Task],
    changes: list[str],
    *,
    now: datetime,
) -> None:
    wanted = {
        phase.id: {
            "position": position,
            "title": phase.title or phase.id,
            "starts_at": phase.start,
            "ends_at": phase.end,
            "kinds": [kind.value for kind in phase.kinds],
            **dict(phase.limits),
            "after_slug": phase.after.phase if phase.after else None,
            "after_needs": Needs(phase.after.needs) if phase.after else None,
            "after_rank": phase.after.rank if phase.after else None,
            "takes_late": phase.late == "unranked",
            "late_until": phase.late_until,
            "leaderboard": Audience(phase.leaderboard),
            "feedback": phase.feedback,
            "logs": phase.logs,
            "failures": Failures(phase.failures),
            "time_step": int(phase.time_step.total_seconds()),
            "hold_results": phase.hold_results,
        }
        for position, phase in enumerate(described.phases)
    }
    rows = _bring_up_to_date(session, Phase, "slug", challenge, wanted, changes, now=now)
    for phase in described.phases:
        _phase_tasks(session, rows[phase.id], {tasks[name].id for name in phase.tasks})


def _phase_tasks(session: Session, phase: Phase, wanted: set[str]) -> None:
    found = {
        row.task_id: row
        for row in session.scalars(select(PhaseTask).where(PhaseTask.phase_id == phase.id))
    }
    for task_id in wanted - set(found):
        session.add(PhaseTask(phase_id=phase.id, task_id=task_id))
    for task_id in set(found) - wanted:
        session.delete(found[task_id])
    session.flush()


def _columns(
    session: Session,
    challenge: Challenge,
    described: bundle.Challenge,
    tasks: Mapping[str, Task],
    changes: list[str],
    *,
    now: datetime,
) -> None:
    wanted = rows_of_columns(described, {name: task.id for name, task in tasks.items()})
    _bring_up_to_date(session, Column, "key", challenge, wanted, changes, now=now)


def _boards(
    session: Session,
    challenge: Challenge,
    described: bundle.Challenge,
    changes: list[str],
    *,
    now: datetime,
) -> None:
    """Bring the boards up to date; what stood on one that goes, and was chosen for it, goes with it.

    A board with a freeze has another beside it, which keeps it as of then.
    """
    named = rows_of_boards(described)
    gone = select(Board.id).where(
        Board.challenge_id == challenge.id,
        Board.slug.not_in([*named, *map(_frozen_slug, _freezing(named))]),
    )
    session.execute(delete(Standing).where(Standing.board_id.in_(gone)))
    session.execute(delete(Pick).where(Pick.board_id.in_(gone)))
    # It refers to the board that it keeps as of its freeze, and goes first.
    session.execute(delete(Board).where(Board.id.in_(gone), Board.frozen_of.is_not(None)))
    # The short form has one for each phase, which says itself what becomes of it.
    noted = [] if described.leaderboard else changes
    rows = _bring_up_to_date(
        session, Board, "slug", challenge, named, noted, now=now, among=Board.frozen_of.is_(None)
    )
    kept = {
        _frozen_slug(slug): {**named[slug], "frozen_of": rows[slug].id} for slug in _freezing(named)
    }
    _bring_up_to_date(
        session, Board, "slug", challenge, kept, [], now=now, among=Board.frozen_of.is_not(None)
    )


def _freezing(named: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [slug for slug, values in named.items() if values["freeze_at"] is not None]


def _frozen_slug(slug: str) -> str:
    # No board of a bundle is called so.
    return f"{slug}@frozen"


def _bring_up_to_date(
    session: Session,
    table: type[_Row],
    name: str,
    challenge: Challenge,
    wanted: Mapping[str, Mapping[str, Any]],
    changes: list[str],
    *,
    now: datetime,
    among: ColumnElement[bool] | None = None,
) -> dict[str, _Row]:
    """Make the challenge's rows of a table those that are wanted; return them by name.

    What that changes is added to ``changes``.
    """
    kind = table.__name__.lower()
    attributes: Any = table
    rows = select(table).where(attributes.challenge_id == challenge.id)
    found = {
        getattr(row, name): row
        for row in session.scalars(rows if among is None else rows.where(among))
    }
    for gone in set(found) - set(wanted):
        let_go(session, found[gone], gone)
        session.delete(found.pop(gone))
        changes.append(f"{kind} {gone} removed")
    for key, values in wanted.items():
        row = found.get(key)
        if row is None:
            row = table(id=new_id(now), challenge_id=challenge.id, **{name: key})
            session.add(row)
            found[key] = row
            changes.append(f"{kind} {key} added")
        for attribute, value in values.items():
            setattr(row, attribute, value)
        changes += _changed(row, f"{kind} {key}: ")
    session.flush()
    return found


def _changed(row: Base, before: str = "") -> list[str]:
    """Name what is about to change of a row that was there already."""
    state = inspect(row)
    if not state.persistent:
        return []
    names = [one.key for one in state.attrs if one.history.has_changes()]
    words = _WORDS | _WORDS_OF.get(type(row), {})
    return [before + words.get(name, name) for name in names if name not in _OF_ITSELF]
