"""One check of a site, from its settings to its jobs."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from portal.db.engine import open_database
from portal.domain.challenges.profiles import Profile
from portal.domain.errors import OperatorError
from portal.domain.site.findings import Finding, Level, Report
from portal.services.site import check_reports
from portal.site_check import questions
from portal.site_check.adapters import SiteAdapters
from portal.site_check.deadlines import Deadline
from portal.site_check.jobs import probe_jobs, probes
from portal.site_check.rules import (
    accounts,
    database,
    mail,
    neighbours,
    profiles,
    settings,
    slurm,
    ssh,
    storage,
)
from portal.site_check.rules.probe_rules import STARTS
from portal.site_check.target import Subject
from scheduler.errors import SchedulerError
from scheduler.transport import Transport
from site_config.site import Site


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the operator wants to be looked at."""

    profiles: Collection[str] = ()
    """Names of profiles; none means all."""
    jobs: str = "all"
    """``all``, ``quick`` (without the time limit, which takes two minutes) or ``none``."""
    job_timeout: timedelta = timedelta(minutes=10)
    """How long a job may wait in the queue."""
    time_limit: timedelta = timedelta(minutes=15)
    """How long the whole check may take: what it still waits for then is a failure."""
    say: Callable[[str], None] = lambda _line: None
    """Called with what is going on."""
    clock: Callable[[], datetime] = _now


def check_site(file: Path, options: CheckOptions, adapters: SiteAdapters) -> Report:
    """Check the site of ``file``. Raises ``OperatorError`` for a profile that it does not have."""
    taken_at, deadline = options.clock(), Deadline.begin(options.time_limit)
    site, findings = settings.load(file, adapters)
    if site is None:
        return _report(str(file), taken_at, (), options, findings, complete=False)
    chosen = _chosen(site, options.profiles, adapters)
    subjects = [
        replace(_subject(file, site, name, chosen, options, adapters), deadline=deadline)
        for name in site.clusters
    ]
    findings += _look_at_this_machine(subjects[0], options)
    for subject in subjects:
        findings += [_named(finding, subject) for finding in _look(subject, options)]
    names = tuple(profile.name for profile in chosen)
    report = _report(site.site.name, taken_at, names, options, findings, complete=True)
    try:
        _keep(subjects[0], report)
    except SQLAlchemyError as error:
        options.say(f"the report was not kept: {getattr(error, 'orig', None) or error}")
    return report


def _subject(
    file: Path,
    site: Site,
    cluster: str,
    chosen: Collection[Profile],
    options: CheckOptions,
    adapters: SiteAdapters,
) -> Subject:
    return Subject(
        file=file,
        settings=site,
        cluster_name=cluster,
        profiles=tuple(profile for profile in chosen if profile.cluster == cluster),
        all_profiles=_chosen(site, (), adapters),
        build_profile=adapters.profile_of(site, site.clusters[cluster].build),
        clock=options.clock,
        adapters=adapters,
    )


def _named(finding: Finding, subject: Subject) -> Finding:
    """Say which cluster a finding is about, where there are several."""
    if len(subject.settings.clusters) == 1:
        return finding
    about = (
        f"{subject.cluster_name}: {finding.subject}" if finding.subject else subject.cluster_name
    )
    return replace(finding, subject=about)


def _keep(subject: Subject, report: Report) -> None:
    """Keep the report for the staff's page, where there is a database to keep it in."""
    well = {finding.id for finding in report.findings if finding.level is Level.OK}
    if database.SCHEMA.id not in well:
        return
    opened = open_database(subject.settings.database.url)
    try:
        with opened.writing() as session:
            check_reports.keep(
                session, actor=subject.adapters.operator(), report=report, now=subject.clock()
            )
    finally:
        opened.engine.dispose()


def _report(
    site: str,
    taken_at: datetime,
    names: tuple[str, ...],
    options: CheckOptions,
    findings: list[Finding],
    *,
    complete: bool,
) -> Report:
    return Report(
        site=site,
        taken_at=taken_at,
        version=version("sealrun"),
        profiles=names,
        jobs=options.jobs,
        complete=complete,
        findings=tuple(findings),
    )


def _chosen(site: Site, names: Collection[str], adapters: SiteAdapters) -> tuple[Profile, ...]:
    if unknown := set(names) - set(site.profiles):
        raise OperatorError(f"there is no profile {', '.join(sorted(unknown))} in the settings")
    return tuple(
        adapters.profile_of(site, name) for name in site.profiles if name in names or not names
    )


def _look_at_this_machine(subject: Subject, options: CheckOptions) -> Iterator[Finding]:
    options.say("looking at settings, database, storage, accounts and mail")
    for part in (settings, database, accounts, mail):
        yield from part.check(subject)


def _look(subject: Subject, options: CheckOptions) -> Iterator[Finding]:
    """Look at one cluster; a problem on the way to it ends that, and not the look at another."""
    if len(subject.settings.clusters) > 1:
        options.say(f"cluster {subject.cluster_name}")
    for profile in subject.every_profile:
        if profile not in subject.profiles:
            yield STARTS.left_out("--profile", subject=profile.name)
    yield from storage.check(subject)
    transport = subject.adapters.transport_of(subject.cluster)
    options.say("asking Slurm how it is set up")
    way = list(ssh.check(subject, transport))
    yield from way
    if any(finding.id == ssh.CONNECTS.id and finding.level is Level.FAILURE for finding in way):
        # Everything else would fail for the same reason, and hide it.
        return
    by_rest = subject.cluster.slurm.rest is not None
    answers = questions.ask(transport, subject.user, deadline=subject.deadline, by_rest=by_rest)
    yield from slurm.check(subject, answers)
    yield from profiles.check(subject, answers)
    yield from neighbours.check(subject, answers)
    if options.jobs == "none":
        yield from probes.left_out(subject, "--no-jobs")
    elif answers.unwatchable:
        why = f"no job was sent, since none could be watched: {answers.unwatchable}"
        yield STARTS.unchecked(why, change="the cluster, so that scontrol and squeue answer")
    else:
        yield from _send_jobs(subject, transport, options)


def _send_jobs(subject: Subject, transport: Transport, options: CheckOptions) -> Iterator[Finding]:
    try:
        scheduler = subject.adapters.scheduler_of(subject.cluster, transport)
        observed = probe_jobs.observe(
            subject,
            scheduler,
            subject.adapters.files_of(subject.cluster, transport),
            with_time_limit=options.jobs == "all",
            job_timeout=options.job_timeout,
            say=options.say,
        )
    except (OSError, OperatorError, SchedulerError) as error:
        yield STARTS.broken(str(error))
        return
    yield from probes.check(subject, observed)
