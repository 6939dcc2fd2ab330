"""Which SIFs a site takes: all, those that its keys have signed, or none."""

from dataclasses import replace

import pytest

from portal.domain.challenges.profiles import SifPolicy
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.submissions.limits import SubmissionKind
from portal.worker.prepare.run_directory import prepare
from tests.support.uploads.images import sif
from tests.support.worker.world import World

SIGNED = SifPolicy(keys=("-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",))


def _policy(world: World, policy: SifPolicy) -> None:
    resources = replace(world.context.resources, sif=policy)
    world.context = replace(world.context, resources=resources)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            SifPolicy(taken=False),
            "This site takes no SIF images. Submit what docker save or podman save has written.",
        ),
        (
            SIGNED,
            (
                "The image is not signed. Sign it with apptainer sign --key, with a key that this site"
                " accepts."
            ),
        ),
    ],
    ids=["refused", "signed"],
)
def test_what_is_seen_to_be_refused_is_not_sent(
    world: World, policy: SifPolicy, message: str
) -> None:
    _policy(world, policy)

    evaluation = world.run_until_final(world.submit(SubmissionKind.IMAGE, sif()))

    assert (evaluation.reason, evaluation.message) == (FailureReason.BAD_ARCHIVE, message)
    assert ("build", evaluation.image_id) not in world.node.ran


def test_a_signed_one_is_checked_where_it_is_built(world: World) -> None:
    _policy(world, SIGNED)
    world.submit(SubmissionKind.IMAGE, sif(signed=True))
    world.run(3)

    scripts = [prepare(world.context, one.token).script for one in world.attempts("build")]

    assert sum(f"'{SIGNED.keys[0]}'" in script for script in scripts) == 1


def test_an_unsigned_build_is_the_teams_and_counts(world: World) -> None:
    world.run_until_final(world.submit())
    _policy(world, SIGNED)
    world.node.reason = "unsigned"

    evaluation = world.run_until_final(world.submit(SubmissionKind.IMAGE, sif(signed=True)))

    assert evaluation.reason is FailureReason.UNSIGNED
    assert FAILURES[FailureReason.UNSIGNED].counts


def test_without_a_policy_all_are_taken(world: World) -> None:
    evaluation = world.run_until_final(world.submit(SubmissionKind.IMAGE, sif()))

    assert evaluation.reason is None
