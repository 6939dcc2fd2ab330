from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portal.domain.evaluations.separation import Separation, separation_of
from portal.domain.site.findings import Level
from portal.site_check.questions import Answers
from portal.site_check.rules import neighbours
from portal.site_check.target import Subject
from scheduler.commands.inspection import AccountUser
from tests.support.factories import resources
from tests.support.recordings.answers import RELEASES
from tests.unit.site_check.subjects import SITE, MakeSubject, recorded_answers

GPU, BUILD = SITE["profiles"]["gpu"], SITE["profiles"]["build"]
GOOD = {"gpu": GPU | {"sample": "sample"}, "sample": dict(BUILD), "build": dict(BUILD)}


def wrong(subject: Subject, answers: Answers) -> dict[str, tuple[str, str]]:
    found = neighbours.check(subject, answers)
    return {one.id: (one.subject, one.change) for one in found if one.level is not Level.OK}


@pytest.mark.parametrize("release", RELEASES)
def test_nodes_of_ones_own_have_nothing_wrong(make_subject: MakeSubject, release: str) -> None:
    found = list(neighbours.check(make_subject(profiles=GOOD), recorded_answers(release)))

    assert {one.id: (one.level, one.subject, one.found) for one in found} == {
        "profiles.separation": (Level.OK, "gpu", "they have other nodes"),
        "profiles.nodes": (Level.OK, "", "3 profiles on 2 groups of nodes"),
        "profiles.foreign_jobs": (Level.OK, "gpu", "partitions gpu are for the portal's user only"),
    }


@pytest.mark.parametrize(
    ("profiles", "found"),
    [
        pytest.param(
            {"gpu": GPU, "build": BUILD},
            {"profiles.separation": ("gpu", "site.yaml: profiles.gpu.sample")},
            id="turns",
        ),
        pytest.param(
            GOOD | {"score": BUILD | {"sample": "sample", "partition": "alone"}},
            {"profiles.nodes": ("score", "site.yaml: profiles.score.nodes: build")},
            id="two-words-for-a-node",
        ),
        pytest.param(
            GOOD | {"score": BUILD | {"sample": "sample", "partition": "alone", "exclusive": True}},
            {},
            id="alone",
        ),
        pytest.param(
            GOOD | {"gpu": GOOD["gpu"] | {"exclusive": True}},
            {"profiles.exclusive": ("gpu", "slurm.conf: PartitionName=gpu OverSubscribe=NO")},
            id="forced-to-share",
        ),
    ],
)
def test_what_could_be_beside_private_data_is_found(
    make_subject: MakeSubject, profiles: Mapping[str, Any], found: dict[str, tuple[str, str]]
) -> None:
    assert wrong(make_subject(profiles=profiles), recorded_answers()) == found


def test_a_partition_that_may_suspend_a_job_gives_it_no_node_alone(
    make_subject: MakeSubject,
) -> None:
    site = make_subject(
        profiles=GOOD
        | {"score": BUILD | {"sample": "sample", "partition": "alone", "exclusive": True}}
    )
    answers = recorded_answers()
    preempted = replace(answers, config={**(answers.config or {}), "PreemptMode": "GANG,SUSPEND"})

    assert wrong(site, preempted) == {
        "profiles.exclusive": ("score", "slurm.conf: PartitionName=alone PreemptMode=OFF")
    }


ALLOW = "AllowAccounts=challenges"


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        ({"gpu": {"accounts": None}}, f"slurm.conf: PartitionName=gpu {ALLOW}"),
        ({"gpu": {"accounts": frozenset({"challenges", "physics"})}}, f"slurm.conf: PartitionName=gpu {ALLOW}"),
        ({"debug": {"accounts": None}}, f"slurm.conf: PartitionName=debug {ALLOW}"),
        ({"hidden": None}, f"slurm.conf: PartitionName=hidden {ALLOW}"),
    ],
    ids=["everybody", "another-account", "another-partition-of-the-nodes", "a-partition-unseen"],
)  # fmt: skip
def test_jobs_of_others_on_the_nodes_of_private_data_are_a_failure(
    make_subject: MakeSubject, changes: Mapping[str, Any], change: str
) -> None:
    answers = recorded_answers()
    partitions, places = dict(answers.partitions or {}), dict(answers.places or {})
    for name, fields in changes.items():
        places[name] = places["gpu"]
        if fields is not None:
            partitions[name] = replace(partitions.get(name, partitions["gpu"]), name=name, **fields)

    found = wrong(
        make_subject(profiles=GOOD), replace(answers, partitions=partitions, places=places)
    )

    assert found == {"profiles.foreign_jobs": ("gpu", change)}


def test_somebody_else_who_may_charge_the_portals_account_is_named(
    make_subject: MakeSubject,
) -> None:
    answers = recorded_answers()
    users = (*(answers.users or ()), AccountUser(account="challenges", user="mallory"))

    found = list(neighbours.check(make_subject(profiles=GOOD), replace(answers, users=users)))

    assert [one.found for one in found if one.level is Level.FAILURE] == [
        "mallory can use the partition gpu"
    ]


def test_a_cluster_that_does_not_say_where_its_partitions_are_is_not_taken_for_good(
    make_subject: MakeSubject,
) -> None:
    found = wrong(make_subject(profiles=GOOD), replace(recorded_answers(), places=None))

    assert set(found) == {"profiles.nodes", "profiles.foreign_jobs"}


@pytest.mark.parametrize("unanswered", ["users", "associations"])
def test_who_else_may_use_the_nodes_is_not_passed_where_nobody_says_it(
    make_subject: MakeSubject, unanswered: str
) -> None:
    answers = replace(recorded_answers(), **{unanswered: None}, problems=("no answer in 60 s",))  # type: ignore[arg-type]

    found = {one.id: one for one in neighbours.check(make_subject(profiles=GOOD), answers)}

    assert (found["profiles.foreign_jobs"].level, found["profiles.foreign_jobs"].found) == (
        Level.FAILURE,
        "not checked: no answer in 60 s",
    )


def test_the_weakest_pair_says_how_runs_are_kept_apart() -> None:
    shared = resources().profiles["gpu-small"]
    alone, elsewhere = replace(shared, exclusive=True), replace(shared, nodes="others")

    assert separation_of([shared], [elsewhere]) is Separation.NODES
    assert separation_of([alone], [shared, elsewhere]) is Separation.ALONE
    assert separation_of([shared, alone], [shared, elsewhere]) is Separation.TURNS
