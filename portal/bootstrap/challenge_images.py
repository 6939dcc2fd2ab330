"""Looking into the images of a challenge when it is added: later only staff would see that they cannot be built."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.bootstrap.site import Installation
from portal.domain.challenges.profiles import SifPolicy
from portal.files.errors import BadArchiveError
from portal.files.images.inspection import ImageLimits
from portal.files.images.programs import check_program
from portal.worker.prepare.image_inspection import look_into
from site_config.bundle import Bundle
from site_config.challenge import Archive, Task
from site_config.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRules:
    """What the images of a challenge have to be."""

    sif: SifPolicy
    architecture: Callable[[Task], str]
    """Of the nodes that make the images of a task; empty for any."""


def rules_of(site: Installation) -> ImageRules:
    """Return what a site asks of images."""

    def architecture(task: Task) -> str:
        resources = site.resources
        cluster = resources.profiles[task.predict.profile].cluster
        return resources.profiles[resources.build_profiles[cluster]].architecture

    return ImageRules(sif=site.resources.sif, architecture=architecture)


def image_problems(bundle: Bundle, rules: ImageRules) -> Iterator[Problem]:
    """Yield what is wrong with each image of a bundle that is there."""
    for name, task in bundle.challenge.tasks.items():
        limits = ImageLimits(architecture=rules.architecture(task))
        for part, archive, program, starter in _parts(name, task):
            file = bundle.directory / archive.image
            if not file.is_file():
                continue
            try:
                _check_image(rules.sif, file, limits, program, starter)
            except BadArchiveError as problem:
                yield Problem(
                    file=file, line=None, key=f"tasks.{name}.{part}", message=problem.message
                )


def _parts(name: str, task: Task) -> Iterator[tuple[str, Archive, str, str]]:
    yield "scorer", task.scorer, task.score.argv[0], f"the scorer of task '{name}'"
    if task.base:
        yield "base", task.base, task.predict.argv[0], f"a code submission for task '{name}'"


def _check_image(
    sif: SifPolicy, file: Path, limits: ImageLimits, program: str, starter: str
) -> None:
    found, _ = look_into(file, limits, sif)
    # What is in a SIF is seen by the build alone, and what comes with a submission later.
    if found.format != "sif" and not program.startswith("/submission/"):
        check_program(file, program, starter, limits)
