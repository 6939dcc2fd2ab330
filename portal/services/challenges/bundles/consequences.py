"""What a change of a challenge does to phases that are open, to submissions and to boards, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.queries.challenges import dry_runs
from portal.db.tables import Challenge, Evaluation, Phase, Result, Submission, Task
from portal.domain.challenges.calendar import PhaseStatus, TimeWindow
from portal.domain.challenges.revisions import BundleFile
from portal.services.challenges.bundles import board_consequences
from portal.services.challenges.bundles.revisions import RevisionContent
from site_config import challenge as bundle
from site_config.bundle import settings_of, text_files, trials_of
from site_config.errors import SettingsError

_AUDIENCES = ("hidden", "organisers", "participants", "public")
"""From the narrowest to the widest."""
_ASKING = {
    "nobody": "Nobody asks questions any more; those that there are stay with the organisers.",
    "participants": "Participants ask questions, and nobody else reads the answers.",
    "everybody": "Everybody who sees the challenge reads public answers, also those given before.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What there is of a challenge that a change could touch."""

    submitted: Mapping[str, int] = field(default_factory=dict)
    """Submissions, by the phase."""
    scored: Mapping[str, int] = field(default_factory=dict)
    """Results, by the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A challenge as one of its revisions has it."""

    settings: bundle.Challenge
    files: Mapping[str, BundleFile]

    def digest(self, path: object) -> str:
        """Return the digest of a file; empty where there is none."""
        file = self.files.get(str(path))
        return file.sha256 if path is not None and file else ""


def of_change(
    session: Session,
    challenge: Challenge,
    before: str,
    after: RevisionContent,
    files: Mapping[str, BundleFile],
    *,
    now: datetime,
) -> tuple[str, ...]:
    """Return what a revision does to a challenge that is as ``before`` and ``files`` say; empty for a first one."""
    try:
        old = Version(settings=settings_of(before), files=files)
        new = Version(settings=settings_of(after.settings), files=after.files)
    except SettingsError:
        # What another release wrote, and what is read again before it is applied.
        return ()
    return tuple(sentences(old, new, _stock(session, challenge), now))


def texts_of(before: RevisionContent, after: RevisionContent) -> frozenset[str]:
    """Return which files are pages or terms in one of two revisions."""
    found: set[str] = set()
    for content in (before, after):
        try:
            found |= {str(path) for path in text_files(settings_of(content.settings))}
        except SettingsError:
            continue
    return frozenset(found)


def _stock(session: Session, challenge: Challenge) -> Stock:
    submitted = session.execute(
        select(Phase.slug, func.count(Submission.id))
        .join(Submission, Submission.phase_id == Phase.id)
        .where(Phase.challenge_id == challenge.id, ~dry_runs.is_of_dry_run())
        .group_by(Phase.slug)
    )
    scored = session.execute(
        select(Task.slug, func.count(Result.evaluation_id))
        .join(Evaluation, Evaluation.task_id == Task.id)
        .join(Result, Result.evaluation_id == Evaluation.id)
        .where(Task.challenge_id == challenge.id)
        .group_by(Task.slug)
    )
    return Stock(
        submitted=dict(submitted.all()),
        scored=dict(scored.all()),
    )


def sentences(old: Version, new: Version, stock: Stock, now: datetime) -> Iterator[str]:
    """Say what a change does beside what it changes."""
    phases = {phase.id: phase for phase in new.settings.phases}
    for phase in old.settings.phases:
        if phase.id in phases:
            yield from _phase(phase, phases[phase.id], stock, now)
    for name, task in new.settings.tasks.items():
        if name in old.settings.tasks:
            yield from _task(name, old, new, old.settings.tasks[name], task, stock)
    yield from board_consequences.sentences(
        old.settings, new.settings, sum(stock.scored.values()), now
    )
    yield from _questions(old.settings, new.settings, sum(stock.submitted.values()))
    yield from _people(old, new, now)
    yield from _trials(old, new)


def _phase(before: bundle.Phase, after: bundle.Phase, stock: Stock, now: datetime) -> Iterator[str]:
    name, count = f"Phase {before.id}", stock.submitted.get(before.id, 0)
    was, becomes = _window(before).status(now), _window(after).status(now)
    if was is not becomes:
        yield f"{name} is {_STATUS[was]} and becomes {_STATUS[becomes]} at once."
    elif (before.start, before.end) != (after.start, after.end) and was is not PhaseStatus.CLOSED:
        yield f"{name} now runs from {_moment(after.start)} to {_moment(after.end)}."
    if count and before.limits != after.limits:
        yield f"{name} has {_count(count, 'submission')}, which count against its new limits."
    if count and (before.limits.failed_per_day is None) is not (
        after.limits.failed_per_day is None
    ):
        how = "like all others" if after.limits.failed_per_day is None else "apart from the others"
        yield f"What has failed in {name[0].lower()}{name[1:]} by its team's own doing counts {how} from now on."
    yield from _admission(before, after, was, now)
    gone = [kind for kind in before.kinds if kind not in after.kinds]
    if gone and was is not PhaseStatus.CLOSED:
        yield f"{name} takes no submissions of kind {_listed(gone)} from now on; those that are there stay."
    if _AUDIENCES.index(after.leaderboard) > _AUDIENCES.index(before.leaderboard):
        yield f"The board of {name[0].lower()}{name[1:]} is shown to more people, with all that is on it."
    if count and before.failures == "sealed" and after.failures == "typed":
        yield f"Teams see the reasons of failures in {name[0].lower()}{name[1:]}, also of those that there were."


def _admission(
    before: bundle.Phase, after: bundle.Phase, was: PhaseStatus, now: datetime
) -> Iterator[str]:
    """Say what changes for who can submit to a phase, and for what comes after its end."""
    name = f"Phase {before.id}"
    if after.after is not None and after.after != before.after and was is PhaseStatus.OPEN:
        yield f"{name} takes submissions only of teams with what it asks for from now on. What is there stays."
    if before.after is not None and after.after is None and was is PhaseStatus.OPEN:
        yield f"{name} takes submissions of every team from now on."
    if was is PhaseStatus.CLOSED and _takes_late(after, now) and not _takes_late(before, now):
        yield f"{name} is over, and takes late submissions at once; they stand without a rank."
    if _takes_late(before, now) and not _takes_late(after, now) and was is PhaseStatus.CLOSED:
        yield f"{name} takes no late submissions from now on; those that are there stay."


def _takes_late(phase: bundle.Phase, now: datetime) -> bool:
    return phase.late == "unranked" and (phase.late_until is None or now < phase.late_until)


def _task(
    name: str,
    old: Version,
    new: Version,
    before: bundle.Task,
    after: bundle.Task,
    stock: Stock,
) -> Iterator[str]:
    scored = stock.scored.get(name, 0)
    judged = (
        (before.truth, before.score.argv, old.digest(before.scorer.image))
        != (after.truth, after.score.argv, new.digest(after.scorer.image))
    )  # fmt: skip
    run = (
        before.input != after.input
        or before.predict != after.predict
        or old.digest(before.base and before.base.image)
        != new.digest(after.base and after.base.image)
    )
    if scored and judged:
        yield (
            f"Task {name} is scored in another way from now on. The {_count(scored, 'result')} that there are"
            " stay as they are and stand beside the new ones."
        )
    if scored and run:
        yield (
            f"Submissions to task {name} run in another way from now on. What has run is not run again."
        )


def _questions(before: bundle.Challenge, after: bundle.Challenge, submitted: int) -> Iterator[str]:
    """Say what becomes of answers that there are."""
    if not submitted:
        return
    was = {question.key: question for question in before.questions}
    for question in after.questions:
        old = was.pop(question.key, None)
        if old is None:
            yield f"Submissions that there are have no answer to question {question.key}."
            continue
        if question.board and not old.board:
            yield (
                f"Whoever sees the leaderboard sees the answers to question {question.key}, also those that were"
                " given when only organisers did."
            )
        if (old.type, old.choices) != (question.type, question.choices):
            yield f"Answers to question {question.key} that no longer fit it are not shown."
    for key in was:
        yield f"The answers to question {key} are no longer shown; they are kept."


def _people(old: Version, new: Version, now: datetime) -> Iterator[str]:
    before, after = old.settings, new.settings
    if after.join.policy != "open":
        if before.join.policy == "open":
            yield "Whoever takes part already has to be let in before they submit again."
        elif old.digest(before.terms) != new.digest(after.terms) and after.terms:
            yield "Everybody has to accept the changed terms before they submit again."
    if after.teams.max_size < before.teams.max_size:
        yield f"Teams of more than {after.teams.max_size} stay as they are, and admit nobody."
    is_frozen = after.teams.freeze is not None and after.teams.freeze <= now
    if is_frozen and (before.teams.freeze is None or before.teams.freeze > now):
        yield "Nobody joins, leaves or merges teams from now on."
    if after.q_and_a != before.q_and_a:
        yield _ASKING[after.q_and_a]
    periods = dict(before.retention)
    for kind, period in dict(after.retention).items():
        if period is not None and (periods[kind] is None or period < periods[kind]):
            yield f"The {kind} of submissions may be deleted earlier than was said so far."


def _trials(old: Version, new: Version) -> Iterator[str]:
    def tried(version: Version) -> list[object]:
        return [(trial, version.digest(trial.file)) for _, trial in trials_of(version.settings)]

    if tried(old) != tried(new) and tried(new):
        yield "What the dry run submits is otherwise: it has to be made again before the challenge is published."


_STATUS = {
    PhaseStatus.UPCOMING: "still to come",
    PhaseStatus.OPEN: "open",
    PhaseStatus.CLOSED: "over",
}


def _window(phase: bundle.Phase) -> TimeWindow:
    return TimeWindow(starts_at=phase.start, ends_at=phase.end)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
