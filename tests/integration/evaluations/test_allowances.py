"""What Slurm is asked for beyond a profile's time."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.db.tables import Image
from portal.domain.challenges.profiles import OWN_TIME, reading_time
from portal.domain.untrusted import Sha256
from portal.worker.prepare.run_directory import prepare, time_request
from scheduler.interface import Token
from tests.support.worker.world import World

LIMIT = 10**9


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 0), (1, 1), (10**8, 1), (10**8 + 1, 2), (10**10, 100)]
)
def test_reading_is_given_a_second_for_each_hundred_megabytes(size: int, seconds: int) -> None:
    assert reading_time(size) == timedelta(seconds=seconds)


def test_a_run_is_given_the_time_to_read_its_images(world: World) -> None:
    resources = replace(world.context.resources, upload_limit=LIMIT)
    world.context = replace(world.context, resources=resources)
    evaluation = world.run_until_final(world.submit())
    with world.database.reading() as session:
        sif = Sha256(str(session.get_one(Image, evaluation.image_id).sif_sha256))
    file = world.context.cluster.image(sif)
    profile = resources.profiles["gpu-small"]
    beyond = profile.time_limit + OWN_TIME

    assert prepare(
        world.context, Token(world.attempts("predict")[0].token)
    ).time_limit == beyond + timedelta(seconds=1)

    file.chmod(0o600)
    os.truncate(file, 250_000_000)
    assert time_request(world.context, profile, sif) == beyond + timedelta(seconds=3)
    os.truncate(file, 10 * LIMIT)
    assert time_request(world.context, profile, sif) == beyond + reading_time(LIMIT)

    file.unlink()
    for size, seconds in ((450_000_000, 5), (10**15, 10), (-5, 0), (None, 0)):
        with world.database.writing() as session:
            session.get_one(Image, evaluation.image_id).size = size
        assert time_request(world.context, profile, sif) == beyond + timedelta(seconds=seconds)
