"""Whether there is room for another evaluation, and whose turn it is."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.db.queries.evaluations import neighbours
from portal.db.queries.evaluations import shares as queries
from portal.db.tables import Evaluation
from portal.domain.challenges.profiles import Profile, Resources
from portal.domain.evaluations.neighbours import Disclosure, NodeGroup
from portal.domain.evaluations.shares import BlockingLimit, Share, Spent, in_turn
from portal.domain.submissions.disclosure import round_up_to_step
from portal.services.evaluations.neighbours import by_group


class _Open(NamedTuple):
    """The open jobs of a profile."""

    jobs: int = 0
    smoke: int = 0
    """How many of them run on a public sample."""


def _open_by_profile(living: Iterable[neighbours.Living]) -> dict[str, _Open]:
    found: dict[str, _Open] = {}
    for one in living:
        jobs, smoke = found.get(one.profile, _Open())
        quick = one.places if one.is_smoke else 0
        found[one.profile] = _Open(jobs + one.places, smoke + quick)
    return found


class _Running:
    """How many evaluations run, by all that limits them: each is looked up, whatever there is."""

    def __init__(self, running: Mapping[queries.Bucket, int]) -> None:
        self.in_phase: Counter[tuple[str, str]] = Counter()
        """By phase and team; runs on the sample are in no phase's limit."""
        self.of_team: Counter[tuple[str, str]] = Counter()
        """By challenge and team."""
        self.of_challenge: Counter[str] = Counter()
        self.by_team: Counter[str] = Counter()
        for bucket, number in running.items():
            self.add(bucket, number)

    def add(self, bucket: queries.Bucket, number: int = 1) -> None:
        """Count further evaluations in a bucket."""
        if not bucket.is_smoke:
            self.in_phase[bucket.phase, bucket.team] += number
        self.of_team[bucket.challenge, bucket.team] += number
        self.of_challenge[bucket.challenge] += number
        self.by_team[bucket.team] += number


class Capacity:
    """The limits of phases, profiles and shares, counted once a pass and kept up while it plans."""

    def __init__(self, session: Session, resources: Resources) -> None:
        self._session = session
        self._resources = resources
        self._running = _Running(queries.running(session))
        self._living = neighbours.living(session)
        self._profiles = _open_by_profile(self._living)
        self._spent: dict[tuple[str, str | None], Spent] = {}
        self._teams: dict[str, set[str]] = {}
        """Those whose turn was asked for, by challenge: what they have spent is read at once."""

    def living(self) -> Mapping[NodeGroup, set[Disclosure]]:
        """Return what lives in each node group, as it was when the places were counted."""
        return by_group(self._living, self._resources)

    def places(self, profile: Profile) -> int | None:
        """Return how many places a profile has left; None where there is no limit."""
        if profile.running is None:
            return None
        return max(0, profile.running - self._open(profile).jobs)

    def in_turn(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        """Order evaluations so that teams take turns; runs on the sample come first, as people wait for them."""
        by_team = dict(self._running.by_team)
        for one in evaluations:
            bucket = _bucket(one)
            self._teams.setdefault(bucket.challenge, set()).add(bucket.team)
        quick = [one for one in evaluations if one.submission.is_smoke]
        others = [one for one in evaluations if not one.submission.is_smoke]
        return [
            one
            for part in (quick, others)
            for one in in_turn([(each, each.submission.team_id) for each in part], by_team)
        ]

    def try_reserve(self, evaluation: Evaluation, profile: Profile) -> bool:
        """Reserve a place for an evaluation if every limit has one; later calls count it."""
        if self.blocking_limit(evaluation, profile) is not None:
            return False
        bucket = _bucket(evaluation)
        jobs, smoke = self._open(profile)
        self._profiles[profile.name] = _Open(jobs + 1, smoke + bucket.is_smoke)
        if evaluation.rerun_of is not None:
            return True
        self._running.add(bucket)
        for key in ((bucket.challenge, None), (bucket.challenge, bucket.team)):
            if key in self._spent:
                self._spent[key] = self._spent[key].reserving(profile.gpu_hours())
        return True

    def blocking_limit(self, evaluation: Evaluation, profile: Profile) -> BlockingLimit | None:
        """Return the first limit that has no room for an evaluation; None if all have."""
        submission, bucket = evaluation.submission, _bucket(evaluation)
        if _is_full(profile, self._open(profile), is_smoke=bucket.is_smoke):
            return BlockingLimit.PLACES
        if evaluation.rerun_of is not None:
            # The site's own wish: no limit of a team holds it up.
            return None
        share = self._resources.share_of(submission.challenge.slug)
        in_phase = self._running.in_phase[bucket.phase, bucket.team]
        in_phase_at_most = None if bucket.is_smoke else submission.phase.running
        of_team = self._running.of_team[bucket.challenge, bucket.team]
        of_challenge = self._running.of_challenge[bucket.challenge]
        for limit, most, number in (
            (BlockingLimit.TEAM_IN_PHASE, in_phase_at_most, in_phase),
            (BlockingLimit.TEAM, share.team_running, of_team),
            (BlockingLimit.CHALLENGE, share.running, of_challenge),
        ):
            if most is not None and number >= most:
                return limit
        return self._no_hours(bucket, share, profile.gpu_hours())

    def _no_hours(
        self, bucket: queries.Bucket, share: Share, needed: float
    ) -> BlockingLimit | None:
        for limit, budget, team in (
            (BlockingLimit.TEAM_HOURS, share.team_gpu_hours, bucket.team),
            (BlockingLimit.CHALLENGE_HOURS, share.gpu_hours, None),
        ):
            if budget is not None and not self._left(bucket.challenge, team).has_room(
                budget, needed
            ):
                return limit
        return None

    def _left(self, challenge: str, team: str | None) -> Spent:
        key = (challenge, team)
        if key not in self._spent and team is None:
            self._spent[key] = spent(self._session, self._resources, challenge_id=challenge)
        elif key not in self._spent and team is not None:
            teams = self._teams.get(challenge, set()) | {team}
            found = spent_by_team(self._session, self._resources, challenge, teams)
            self._spent |= {(challenge, one): found.get(one, Spent()) for one in teams}
        return self._spent[key]

    def _open(self, profile: Profile) -> _Open:
        return self._profiles.get(profile.name, _Open())


def _bucket(evaluation: Evaluation) -> queries.Bucket:
    submission = evaluation.submission
    return queries.Bucket(
        submission.challenge_id, submission.phase_id, submission.team_id, submission.is_smoke
    )


def _is_full(profile: Profile, there: _Open, *, is_smoke: bool) -> bool:
    """Whether a profile has no place left. Runs on the sample get half of them at most.

    They come first, so that else teams that keep trying would leave nothing for what counts.
    """
    if profile.running is None:
        return False
    half = (profile.running + 1) // 2
    return there.jobs >= profile.running or (is_smoke and there.smoke >= half)


def spent(
    session: Session, resources: Resources, *, challenge_id: str, team_id: str | None = None
) -> Spent:
    """Return the GPU-hours of a challenge, or of one of its teams.

    Ended jobs count with the cluster's own times, whatever came of them: also a failed run has used
    the GPUs. Where failures are sealed they count in whole steps, as teams see the sum. A job whose profile the site no longer has counts nothing.
    """
    return spent_of(queries.times(session, challenge_id=challenge_id, team_id=team_id), resources)


def spent_by_team(
    session: Session,
    resources: Resources,
    challenge_id: str,
    teams: Collection[str] | None = None,
) -> dict[str, Spent]:
    """Return the GPU-hours of each team of a challenge that has had a job; only of some, where they are named."""
    rows: dict[str, list[queries.Time]] = {}
    for time in queries.times_by_team(session, challenge_id, teams):
        rows.setdefault(time.whose, []).append(time.time)
    return {team_id: spent_of(times, resources) for team_id, times in rows.items()}


def _taken(began: datetime, ended: datetime, step: int | None) -> timedelta:
    if step is None:
        return ended - began
    return round_up_to_step(began, ended, timedelta(seconds=step)) - began


def spent_of(times: Iterable[queries.Time], resources: Resources) -> Spent:
    """Return the GPU-hours of attempts, counted as ``spent`` does."""
    used = reserved = 0.0
    for row in times:
        profile = resources.profiles.get(row.profile)
        if profile is None:
            continue
        if row.is_live:
            reserved += profile.gpu_hours()
        elif row.started_at is not None and row.ended_at is not None:
            used += profile.gpu_hours(_taken(row.started_at, row.ended_at, row.step))
    return Spent(used=used, reserved=reserved)
