"""Looking into the images of a challenge when it is added: later only staff would see that they cannot be built."""

from pathlib import Path

from portal.bootstrap.site import Installation
from portal.files.errors import BadArchiveError
from portal.files.images.inspection import ImageLimits
from portal.files.images.programs import check_program
from portal.worker.prepare.image_inspection import look_into
from site_config.challenge import Challenge, Task
from site_config.errors import Problem, SettingsError


def check_images(site: Installation, directory: Path, described: Challenge) -> None:
    """Raise ``SettingsError`` with what is wrong with each image of the challenge in ``directory``."""
    problems = []
    for name, task in described.tasks.items():
        parts = [
            ("scorer", task.scorer, task.score.argv[0], f"the scorer of task '{name}'"),
            ("base", task.base, task.predict.argv[0], f"a code submission for task '{name}'"),
        ]
        for part, archive, program, starter in parts:
            if archive is None:
                continue
            file = directory / archive.image
            limits = ImageLimits(architecture=_architecture(site, task))
            try:
                _check_image(site, file, limits, program, starter)
            except BadArchiveError as problem:
                key = f"tasks.{name}.{part}"
                problems.append(Problem(file=file, line=None, key=key, message=problem.message))
    if problems:
        raise SettingsError(problems)


def _architecture(site: Installation, task: Task) -> str:
    """Return what the nodes are that make the images of a task."""
    resources = site.resources
    cluster = resources.profiles[task.predict.profile].cluster
    return resources.profiles[resources.build_profiles[cluster]].architecture


def _check_image(
    site: Installation, file: Path, limits: ImageLimits, program: str, starter: str
) -> None:
    found, _ = look_into(file, limits, site.resources.sif)
    # What is in a SIF is seen by the build alone, and what comes with a submission later.
    if found.format != "sif" and not program.startswith("/submission/"):
        check_program(file, program, starter, limits)
