from datetime import timedelta

import pytest

from scheduler.commands import inspection
from scheduler.commands.inspection import AccountUser, Association, NodeKind, Partition, Qos
from scheduler.errors import UnexpectedAnswerError
from tests.support.recordings.answers import RELEASES, recorded


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_partitions_and_nodes_are_read(release: str) -> None:
    partitions = inspection.read_partitions(recorded("partitions", release).stdout)
    nodes = inspection.read_nodes(recorded("nodes", release).stdout)

    assert partitions["gpu"] == Partition(
        name="gpu",
        state="UP",
        accounts=frozenset({"challenges"}),
        denied_accounts=frozenset(),
        qos=frozenset({"challenge"}),
        denied_qos=frozenset(),
        longest=timedelta(hours=1),
        sharing="FORCE:8",
        preemption="OFF",
    )
    assert nodes == (
        NodeKind(partition="gpu", gres={"gpu": 2}, cpus=2, memory_mib=6000),
        NodeKind(partition="alone", gres={}, cpus=2, memory_mib=6000),
        NodeKind(partition="build", gres={}, cpus=2, memory_mib=6000),
    )


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_nodes_of_partitions_and_users_of_accounts_are_read(release: str) -> None:
    places = inspection.read_places(recorded("places", release).stdout)
    users = inspection.read_users(recorded("users", release).stdout)

    assert set(places) == {"gpu", "alone", "build"}
    assert places["alone"] == places["build"] != places["gpu"]
    assert users == (AccountUser(account="challenges", user="challenge"),)


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_associations_and_qos_are_read(release: str) -> None:
    associations = inspection.read_associations(recorded("associations", release).stdout)
    qos = inspection.read_qos(recorded("qos", release).stdout)

    challenge = frozenset({"challenge"})
    assert associations == (
        Association(
            account="challenges", partition="", qos=challenge, default_qos="challenge", longest=None
        ),
    )
    assert qos == {
        "normal": Qos(name="normal", flags=frozenset(), longest=None),
        "challenge": Qos(
            name="challenge", flags=frozenset({"DenyOnLimit"}), longest=timedelta(hours=1)
        ),
    }


@pytest.mark.parametrize("release", RELEASES)
def test_the_last_part_of_slurmdbds_answer_is_its_own(release: str) -> None:
    config = inspection.read_config(recorded("accounting-config", release).stdout)

    assert config["PrivateData"] == "accounts,events,jobs,reservations,usage,users"


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("(null)", {}),
        ("gpu:2", {"gpu": 2}),
        ("gpu", {"gpu": 1}),
        ("gpu:a100:4(S:0-1),gpu:v100:2(IDX:0,1),shard:8", {"gpu": 6, "gpu:a100": 4, "gpu:v100": 2, "shard": 8}),
    ],
)  # fmt: skip
def test_generic_resources_are_counted_by_name_and_type(text: str, counts: dict[str, int]) -> None:
    assert inspection.read_gres(text) == counts


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("UNLIMITED", None),
        ("", None),
        ("01:00:00", timedelta(hours=1)),
        ("30:00", timedelta(minutes=30)),
        ("7-12:00:00", timedelta(days=7, hours=12)),
    ],
)
def test_times_are_read(text: str, time: timedelta | None) -> None:
    assert inspection.read_time(text) == time


@pytest.mark.parametrize(
    "read",
    [
        lambda: inspection.read_time("soon"),
        lambda: inspection.read_config(b""),
        lambda: inspection.read_qos(b"one|two\n"),
    ],
)
def test_an_answer_of_another_form_is_not_guessed_at(read) -> None:
    with pytest.raises(UnexpectedAnswerError):
        read()
