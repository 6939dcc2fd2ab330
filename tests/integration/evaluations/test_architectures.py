"""Whose processors an image has to be for: those of the profile in which it is built."""

from dataclasses import replace

from portal.domain.evaluations.failures import FailureReason
from portal.domain.submissions.limits import SubmissionKind
from portal.worker.prepare.run_directory import prepare
from tests.fuzz.seeds import packed
from tests.support.uploads.images import USUAL, both, docker
from tests.support.worker.world import World


def _on_arm(world: World) -> None:
    resources = world.context.resources
    profiles = {
        name: replace(profile, architecture="arm64") for name, profile in resources.profiles.items()
    }
    resources = replace(resources, profiles=profiles)
    world.context = replace(world.context, resources=resources)


def _image(architecture: str) -> dict[str, bytes]:
    return docker(USUAL, architecture=architecture)


def test_an_image_for_the_nodes_is_built(world: World) -> None:
    world.run_until_final(world.submit())
    _on_arm(world)

    evaluation = world.run_until_final(world.submit(SubmissionKind.IMAGE, packed(_image("arm64"))))

    assert evaluation.reason is None


def test_an_image_for_others_is_refused_and_both_are_named(world: World) -> None:
    world.run_until_final(world.submit())
    _on_arm(world)

    evaluation = world.run_until_final(world.submit(SubmissionKind.IMAGE, packed(_image("amd64"))))

    assert (evaluation.reason, evaluation.message) == (
        FailureReason.BAD_ARCHIVE,
        "The image is made for 'amd64', but the nodes are arm64. Build it with --platform linux/arm64.",
    )


def test_of_several_the_build_gets_the_one_for_the_nodes(world: World) -> None:
    world.run_until_final(world.submit())
    _on_arm(world)
    before = {one.token for one in world.attempts("build")}
    world.submit(SubmissionKind.IMAGE, packed(both(_image("amd64"), _image("arm64"))))
    world.run(3)

    (token,) = {one.token for one in world.attempts("build")} - before
    script = prepare(world.context, token).script

    assert "layout=docker" in script
    assert '"Layers": ["second/0/layer.tar"]' in script
