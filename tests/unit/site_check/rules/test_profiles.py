from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.domain.site.findings import Level
from portal.site_check.questions import Answers
from portal.site_check.rules import profiles
from portal.site_check.target import Subject
from tests.support.recordings.answers import RELEASES
from tests.unit.site_check.subjects import SITE, MakeSubject, recorded_answers


def wrong(subject: Subject, answers: Answers) -> list[tuple[str, str, str]]:
    found = profiles.check(subject, answers)
    return [(one.id, one.subject, one.change) for one in found if one.level is not Level.OK]


def with_profile(make_subject: MakeSubject, **keys: Any) -> Subject:
    build = SITE["profiles"]["build"]
    return make_subject(profiles={"build": build, "gpu": SITE["profiles"]["gpu"] | keys})


@pytest.mark.parametrize("release", RELEASES)
def test_profiles_that_fit_have_nothing_wrong(subject: Subject, release: str) -> None:
    found = list(profiles.check(subject, recorded_answers(release)))

    assert [one for one in found if one.level is not Level.OK] == []
    assert len(found) == 2 * len(profiles.RULES)


@pytest.mark.parametrize(
    ("keys", "id_", "change"),
    [
        ({"partition": "nowhere"}, "profiles.partition", "site.yaml: profiles.gpu.partition"),
        ({"account": "others"}, "profiles.account", "run: sacctmgr add user challenge account=others"),
        ({"qos": "normal"}, "profiles.qos",
         "run: sacctmgr modify user challenge set qos+=normal, or site.yaml: clusters.main.slurm.qos"),
        ({"time": "60m"}, "profiles.time",
         "slurm.conf: PartitionName=gpu MaxTime=61, or site.yaml: profiles.gpu.time"),
        ({"gres": "gpu:3"}, "profiles.resources", "site.yaml: profiles.gpu: gres, cpus, memory"),
        ({"gres": "gpu:a100:1"}, "profiles.resources", "site.yaml: profiles.gpu: gres, cpus, memory"),
        ({"memory": "100G"}, "profiles.resources", "site.yaml: profiles.gpu: gres, cpus, memory"),
        ({"cpus": 400}, "profiles.resources", "site.yaml: profiles.gpu: gres, cpus, memory"),
    ],
)  # fmt: skip
def test_a_profile_that_asks_for_what_is_not_there_is_named(
    make_subject: MakeSubject, keys: dict[str, Any], id_: str, change: str
) -> None:
    found = wrong(with_profile(make_subject, **keys), recorded_answers())

    # With another qos, its missing flag is a second finding.
    assert [one for one in found if one[0] != "profiles.deny_on_limit"] == [(id_, "gpu", change)]


@pytest.mark.parametrize(
    ("changes", "id_", "change"),
    [
        ({"state": "DOWN"}, "profiles.partition", "scontrol update PartitionName=gpu State=UP"),
        ({"accounts": None}, "profiles.own_partition",
         "slurm.conf: PartitionName=gpu AllowAccounts=challenges"),
        ({"accounts": frozenset({"root"})}, "profiles.account",
         "slurm.conf: PartitionName=gpu AllowAccounts=challenges"),
        ({"denied_accounts": frozenset({"challenges"})}, "profiles.account",
         "slurm.conf: PartitionName=gpu AllowAccounts=challenges"),
        ({"qos": frozenset({"normal"})}, "profiles.qos",
         "slurm.conf: PartitionName=gpu AllowQos=challenge"),
        ({"longest": timedelta(minutes=2)}, "profiles.time",
         "slurm.conf: PartitionName=gpu MaxTime=3, or site.yaml: profiles.gpu.time"),
    ],
)  # fmt: skip
def test_a_partition_that_does_not_fit_the_profile_is_named(
    subject: Subject, changes: dict[str, Any], id_: str, change: str
) -> None:
    answers = recorded_answers()
    partitions = dict(answers.partitions or {})
    partitions["gpu"] = replace(partitions["gpu"], **changes)

    found = wrong(subject, replace(answers, partitions=partitions))

    assert found == [(id_, "gpu", change)]


def test_a_qos_that_lets_jobs_wait_for_ever_is_a_warning(subject: Subject) -> None:
    answers = recorded_answers()
    qos = {name: replace(one, flags=frozenset()) for name, one in (answers.qos or {}).items()}

    found = wrong(subject, replace(answers, qos=qos))

    line = "run: sacctmgr modify qos challenge set flags=DenyOnLimit"
    assert found == [("profiles.deny_on_limit", name, line) for name in ("gpu", "build")]


def test_what_slurmdbd_does_not_answer_is_not_checked(subject: Subject) -> None:
    unanswered = ("sacctmgr: no answer in 60 s",)
    answers = replace(recorded_answers(), associations=None, problems=unanswered)

    found = [one for one in profiles.check(subject, answers) if one.level is not Level.OK]

    # Limits of the account and of the qos that it has by default cannot be known either.
    unknown = ("account", "qos", "time", "deny_on_limit")
    assert [(one.id, one.level, one.found) for one in found] == [
        (f"profiles.{name}", Level.FAILURE, "not checked: sacctmgr: no answer in 60 s")
        for name in unknown
    ] * 2


@pytest.mark.parametrize(
    ("missing", "ids"),
    [
        ({"qos": None}, ["profiles.time", "profiles.deny_on_limit"]),
        ({"nodes": None}, ["profiles.resources"]),
        ({"partitions": None}, ["profiles.partition"]),
    ],
)
def test_no_healthy_word_without_an_answer(
    subject: Subject, missing: dict[str, Any], ids: list[str]
) -> None:
    answers = replace(recorded_answers(), **missing, problems=("no answer",))

    found = [one for one in profiles.check(subject, answers) if one.level is not Level.OK]

    assert [(one.id, one.level) for one in found] == [(id_, Level.FAILURE) for id_ in ids] * 2
