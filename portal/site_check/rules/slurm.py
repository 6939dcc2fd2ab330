"""Slurm's configuration, as the controller and slurmdbd have read it: what it promises of every job."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from portal.domain.site.findings import Finding, Level, Rule
from portal.site_check.questions import Answers
from portal.site_check.rules.slurm_settings import SETTINGS, Setting
from portal.site_check.target import Subject

OLDEST, NEWEST = (22, 5), (26, 5)

_MAX_CHARS = 300
_SECONDS = re.compile(r"(\d+) sec")

ANSWERS = Rule(
    id="slurm.answers",
    title="The controller answers",
    level=Level.FAILURE,
    meaning="No job can be sent, watched or cancelled.",
    change="slurm.conf: SlurmctldHost, on the machine that the portal logs in to",
)
RELEASE = Rule(
    id="slurm.release",
    title="Slurm is a release that Sealrun was tried with, 22.05 to 26.05",
    level=Level.WARNING,
    meaning="Its answers may look different; what cannot be read changes nothing and is logged.",
    change="a release of Slurm from 22.05 to 26.05",
)
MESSAGE_TIMEOUT = Rule(
    id="slurm.message_timeout",
    title="The portal waits three MessageTimeouts after an unclear answer",
    level=Level.FAILURE,
    meaning="A job whose submission timed out could be taken for not there, and run twice.",
    change="site.yaml: grace.submit",
)
MIN_JOB_AGE = Rule(
    id="slurm.min_job_age",
    title="Ended jobs stay in the queue for several questions of the worker",
    level=Level.WARNING,
    meaning="Every ended job has to be asked of accounting, which is slower and lags behind.",
    change="slurm.conf: MinJobAge=300",
)
WHOLE = Rule(
    id="slurm.whole",
    title="Answers come without a complaint that may be about them",
    level=Level.FAILURE,
    meaning="An answer of which a part may be missing says nothing about jobs that are not in it: ended ones may never be seen.",
    change="the cluster, so that squeue and sacct complain of nothing",
)
QUIET = Rule(
    id="slurm.quiet",
    title="Slurm's programs complain of nothing",
    level=Level.WARNING,
    meaning="It comes with each answer and is passed over; a complaint about an answer is easier missed beside it.",
    change="the settings that the complaint names",
)

RULES = (
    ANSWERS,
    WHOLE,
    QUIET,
    RELEASE,
    *(setting.rule for setting in SETTINGS),
    MESSAGE_TIMEOUT,
    MIN_JOB_AGE,
)


def check(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Compare the configuration with what the isolation needs, and with the portal's own times."""
    config = answers.config
    if config is None:
        # A portal that asks slurmrestd needs no commands, and slurmrestd does not tell its configuration.
        yield answers.missing(ANSWERS) if answers.by_rest else ANSWERS.broken(answers.problem)
        return
    yield ANSWERS.holds(f"cluster {config.get('ClusterName', '')}")
    yield from _complaints(answers)
    yield _release(config.get("SLURM_VERSION", ""))
    for setting in SETTINGS:
        yield _setting(setting, answers)
    yield from _times(subject, config)


def _complaints(answers: Answers) -> Iterator[Finding]:
    """Judge what was complained of; a program that did not answer is no program without a complaint."""
    if answers.serious:
        yield WHOLE.broken("; ".join(answers.serious)[:_MAX_CHARS])
    elif answers.problems:
        yield WHOLE.unchecked("; ".join(answers.problems)[:_MAX_CHARS])
    else:
        yield WHOLE.holds("none was heard")
    if answers.harmless or not answers.problems:
        noted = "; ".join(answers.harmless)[:_MAX_CHARS]
        yield QUIET.judged(not noted, noted or "none was heard")


def _release(version: str) -> Finding:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return RELEASE.judged(OLDEST <= numbers <= NEWEST, f"Slurm {version}")


def _setting(setting: Setting, answers: Answers) -> Finding:
    config = answers.accounting if setting.of_accounting else answers.config
    if config is None:
        return answers.missing(setting.rule)
    keys = [key for key in setting.key.split() if key in config]
    if not keys:
        if setting.key.startswith("Constrain"):
            # Without the plugins Slurm prints no part on cgroups at all.
            return setting.rule.broken("Slurm has read no cgroup.conf")
        return setting.rule.broken(f"{setting.key.split()[0]} is not set")
    # Releases that know the newer name still print the older one, empty.
    key = next((key for key in keys if config[key]), keys[0])
    value = config[key]
    return setting.rule.judged(setting.fits(value), f"{key}={value or '(nothing)'}")


def _times(subject: Subject, config: Mapping[str, str]) -> Iterator[Finding]:
    grace, timeout = subject.settings.grace.submit, _seconds(config, "MessageTimeout")
    if timeout is None:
        yield MESSAGE_TIMEOUT.unchecked("Slurm does not say MessageTimeout in seconds")
    else:
        yield MESSAGE_TIMEOUT.judged(
            grace >= 3 * timeout,
            f"MessageTimeout={timeout.seconds}, grace.submit={grace.total_seconds():.0f}s",
            change=f"{subject.place('grace', 'submit')}={3 * timeout.total_seconds():.0f}s",
        )
    age, slowest = _seconds(config, "MinJobAge"), subject.settings.worker.slowest
    if age is None:
        yield MIN_JOB_AGE.unchecked("Slurm does not say MinJobAge in seconds")
        return
    yield MIN_JOB_AGE.judged(
        age >= 3 * slowest,
        f"MinJobAge={age.total_seconds():.0f}, the worker asks every {slowest.total_seconds():.0f} s",
    )


def _seconds(config: Mapping[str, str], key: str) -> timedelta | None:
    match = _SECONDS.match(config.get(key, ""))
    return timedelta(seconds=int(match[1])) if match else None
