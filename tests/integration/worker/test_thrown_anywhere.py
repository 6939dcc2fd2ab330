"""At every point there is an exception is thrown, again and again, for one submission: all others reach their scores.

Each victim has a point of its own, so that one world shows all of them at once.
"""

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import or_, select

from portal.bootstrap import operator
from portal.db.engine import Database
from portal.db.tables import Attempt, Cancellation, Evaluation, Job, Person, Phase, Trouble
from portal.domain.attention.decisions import Choice
from portal.domain.evaluations.states import EvaluationState
from portal.domain.ids import new_id
from portal.domain.submissions.limits import SubmissionKind
from portal.services.attention import decisions
from portal.services.attention.views import listed
from portal.worker.context import WorkerContext
from portal.worker.loop import run_pass
from scheduler.interface import Indeterminate, JobSpec, Submitted, Token
from tests.integration.worker.hurried import hurried
from tests.support.worker.eager import eager
from tests.support.worker.points import WatchedDatabase, WatchedScheduler, handled, watched_files
from tests.support.worker.world import Clock, World, make_world, packed_code

__all__ = ["hurried"]

STEP = 15
"""Seconds between passes: an unclear submission is given up after 30."""
MAX_PASSES = 60
WRITES_IT_DOWN = ("portal.worker.set_aside", "portal.services.attention.troubles")
"""Where that is not possible, the database is gone, and that is about all."""
E = EvaluationState


@dataclass(frozen=True)
class Course:
    """How a submission goes: the kind, and what else happens to it."""

    kind: SubmissionKind = SubmissionKind.CODE
    is_cancelled: bool = False
    is_unclear: bool = False

    @property
    def ends(self) -> EvaluationState:
        return E.CANCELLED if self.is_cancelled else E.SCORED


COURSES = (
    Course(),
    Course(kind=SubmissionKind.RESULTS),
    Course(is_cancelled=True),
    Course(is_unclear=True),
)


@dataclass
class Fate:
    """Throws for each victim at its own point; looks only, as long as there are no victims."""

    world: World
    courses: dict[str, Course] = field(default_factory=dict)
    """By submission."""
    points: dict[str, str] = field(default_factory=dict)
    """Where something is thrown, by submission."""
    errors: Iterator[type[Exception]] = field(
        default_factory=lambda: itertools.cycle([RuntimeError, OSError, RecursionError])
    )
    seen: dict[str, list[str]] = field(default_factory=dict)
    thrown: set[str] = field(default_factory=set)
    _kinds: dict[str, type[Exception]] = field(default_factory=dict)
    _owners: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, place: str) -> None:
        subject = handled()
        if subject is None or any(module in place for module in WRITES_IT_DOWN):
            return
        submission = self.owner(subject)
        if submission is None:
            return
        self.seen.setdefault(submission, []).append(place)
        if self.points.get(submission) == place:
            self.thrown.add(submission)
            raise self._error(submission)

    def _error(self, submission: str) -> Exception:
        kind = self._kinds.setdefault(submission, next(self.errors))
        return OSError(errno.ENOSPC, "thrown") if kind is OSError else kind("thrown")

    def owner(self, subject: str) -> str | None:
        """Return the submission that a row is for."""
        if subject not in self._owners:
            self._owners[subject] = self._look_up(subject)
        return self._owners[subject]

    def _look_up(self, subject: str) -> str | None:
        mine = select(Evaluation.submission_id).where(Evaluation.submission_id.in_(self.courses))
        with Database.reading(self.world.database) as session:
            job = session.scalar(select(Job).join(Attempt).where(Attempt.token == subject))
            names = [subject, *([job.evaluation_id, job.image_id] if job else [])]
            wanted = or_(Evaluation.id.in_(names), Evaluation.image_id.in_(names))
            return session.scalar(mine.where(wanted))


@dataclass(frozen=True)
class ForgetfulScheduler(WatchedScheduler):
    """Does not answer the first submission of what is to become unclear."""

    def submit(self, spec: JobSpec, token: Token) -> Submitted:
        answer = WatchedScheduler.submit(self, spec, token)
        assert isinstance(self.reached, Fate)
        owner = self.reached.owner(token)
        if owner is not None and self.reached.courses[owner].is_unclear:
            return Indeterminate(message="the answer got lost")
        return answer


@pytest.mark.slow
def test_whatever_is_thrown_for_one_submission_all_others_reach_their_scores(
    hurried: Database, tmp_path: Path
) -> None:
    world = _new_world(hurried, tmp_path / "first")
    seen = _points(world)
    fate = Fate(world)
    assert sum(map(len, seen.values())) > 30
    if hurried.is_postgresql:
        # Each point gets another of the errors there.
        next(fate.errors)
    for course, places in seen.items():
        for place in places:
            fate.points[_submit(world, course, fate)] = place
    innocent = [_submit(world, course, fate) for course in COURSES for _ in range(2)]

    _live(world, innocent, fate)

    assert [world.evaluation(one).state for one in innocent] == [
        fate.courses[one].ends for one in innocent
    ]
    assert fate.thrown == set(fate.points)
    _settle(world, fate)
    _check_victims(world, fate)

    victims = list(fate.points)
    fate.points.clear()
    _retry_all(world)
    _settle(world, fate)

    assert [world.evaluation(one).state.is_final for one in victims] == [True] * len(victims)
    with world.database.reading() as session:
        assert listed(session) == []


def _points(world: World) -> dict[Course, list[str]]:
    """Return the points that a submission of each course comes to, and none before it."""
    fate = Fate(world)
    submissions = {course: _submit(world, course, fate) for course in COURSES}
    _live(world, list(submissions.values()), fate)
    first: dict[str, Course] = {}
    for course, one in submissions.items():
        for place in fate.seen[one]:
            first.setdefault(place, course)
    return {course: [p for p, whose in first.items() if whose is course] for course in COURSES}


def _check_victims(world: World, fate: Fate) -> None:
    """Each has ended, or is with staff, who can see why."""
    with world.database.reading() as session:
        troubles = {fate.owner(row.subject): row for row in session.scalars(select(Trouble))}
    for submission, place in fate.points.items():
        state = world.evaluation(submission).state
        if not state.is_final:
            assert submission in troubles, f"{place}: {state}"
            assert "thrown" in troubles[submission].problem, place


def _new_world(database: Database, folder: Path) -> World:
    world = make_world(database, folder, Clock())
    # What may be with the cluster keeps those away that may not be beside it, also while staff look at it: that
    # has tests of its own, and on nodes of its own nobody is kept away.
    profiles = {
        name: replace(one, exclusive=True) for name, one in world.context.resources.profiles.items()
    }
    resources = replace(world.context.resources, profiles=profiles)
    world.context = replace(world.context, resources=resources)
    with database.writing() as session:
        phase = session.scalars(select(Phase)).one()
        phase.per_day = phase.total = phase.running = None
    world.approve()
    return world


def _submit(world: World, course: Course, fate: Fate) -> str:
    number = len(fate.courses) + len(fate.world.node.ran)
    content = b"id,digit\n1,7\n"
    if course.kind is SubmissionKind.CODE:
        content = packed_code(f"print({number}, {len(fate.points)})")
    # What is stuck of a team counts against its own limits: each is of another.
    with world.database.writing() as session:
        person = Person(id=new_id(world.clock()), name=f"Person {number}", created_at=world.clock())
        session.add(person)
    world.person = person.id
    submission = world.submit(course.kind, content)
    fate.courses[submission] = course
    return submission


def _cancel(world: World, fate: Fate) -> None:
    """Write the wish to cancel for what is with the cluster, and for every other that is not yet."""
    with world.database.writing() as session:
        rows = session.scalars(
            select(Evaluation).where(Evaluation.submission_id.in_(fate.courses))
        ).all()
        for row in rows:
            is_due = fate.courses[row.submission_id].is_cancelled and row.state is E.RUNNING
            if is_due and session.get(Cancellation, row.id) is None:
                wish = Cancellation(
                    evaluation_id=row.id,
                    asked_by=world.person,
                    asked_at=world.clock(),
                    counts=True,
                )
                session.add(wish)


def _retry_all(world: World) -> None:
    with world.database.reading() as session:
        found = listed(session)
    for one in found:
        with world.database.writing() as session:
            decisions.resolve_now(
                session,
                actor=operator(),
                wanted=one.id,
                choice=Choice.RETRY,
                alike=one.number > 1,
                now=world.clock(),
            )


def _settle(world: World, fate: Fate) -> None:
    """Let time go by until nothing more is tried by itself."""
    context = _watched(world, fate)
    for _ in range(20):
        with watched_files(world.context.cluster.storage, fate):
            run_pass(context, eager())
        world.scheduler.advance()
        world.clock.advance(120)


def _watched(world: World, fate: Fate) -> WorkerContext:
    scheduler = ForgetfulScheduler(world.scheduler, fate)
    return replace(
        world.context,
        database=WatchedDatabase(world.database.engine, fate),
        cluster=replace(world.context.cluster, scheduler=scheduler),
    )


def _live(world: World, innocent: list[str], fate: Fate) -> None:
    """Run passes, none of which may fail, until those to whom nothing was done have ended."""
    storage = world.context.cluster.storage
    context = _watched(world, fate)
    pending = list(innocent)
    for _ in range(MAX_PASSES):
        with watched_files(storage, fate):
            run_pass(context, eager())
        _cancel(world, fate)
        pending = [one for one in pending if not world.evaluation(one).state.is_final]
        if not pending:
            return
        world.scheduler.advance()
        world.clock.advance(STEP)
    states = {one: world.evaluation(one).state for one in pending}
    raise AssertionError(f"not settled after {MAX_PASSES} passes: {states}")
