"""Looking at a bundle before anything of it is imported: later only staff would see what is wrong with its images."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from portal.domain.challenges.profiles import Resources, SifPolicy
from portal.files.archives.submitted import repack_code
from portal.files.errors import BadArchiveError
from portal.files.images.acceptance import look_into
from portal.files.images.inspection import ImageLimits
from portal.files.images.programs import check_program
from site_config.bundle import Bundle, Offers, phase_of, trials_of
from site_config.challenge import Archive, Task
from site_config.errors import Problem
from site_config.trials import ExpectedOutcome

Place = Callable[[PurePosixPath], Path | None]
"""Where an image of the bundle can be read; None for one that is not looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRules:
    """What the images of a challenge have to be."""

    sif: SifPolicy
    architecture: Callable[[Task], str]
    """Of the nodes that make the images of a task; empty for any."""


def rules_of(resources: Resources) -> ImageRules:
    """Return what a site asks of images."""

    def architecture(task: Task) -> str:
        cluster = resources.profiles[task.predict.profile].cluster
        return resources.profiles[resources.build_profiles[cluster]].architecture

    return ImageRules(sif=resources.sif, architecture=architecture)


def offers_of(resources: Resources) -> Offers:
    """Return what of a site a challenge can ask for."""
    return Offers(
        profiles={name: profile.cluster for name, profile in resources.profiles.items()},
        data={name: directory.challenges for name, directory in resources.data.items()},
        output=resources.output_limit,
        output_files=resources.output_files,
    )


def problems_of(bundle: Bundle, resources: Resources, place: Place) -> list[Problem]:
    """Return what a site finds wrong with a bundle; its images are looked into where nothing else is wrong.

    The files are named as the bundle names them.
    """
    problems = bundle.problems(offers_of(resources)) or [
        *image_problems(bundle, rules_of(resources), place),
        *trial_problems(bundle, rules_of(resources), place),
    ]
    return [named_inside(problem, bundle.directory) for problem in problems]


def named_inside(problem: Problem, directory: Path) -> Problem:
    """Return a problem whose file is named as in the bundle: where that lies is nobody's business."""
    return replace(problem, file=problem.file.relative_to(directory))


def files_in(directory: Path) -> Place:
    """Return where the images of a bundle are that lies in a directory."""

    def place(name: PurePosixPath) -> Path | None:
        file = directory / name
        return file if file.is_file() else None

    return place


def image_problems(bundle: Bundle, rules: ImageRules, place: Place) -> Iterator[Problem]:
    """Yield what is wrong with each image of a bundle that is there."""
    for name, task in bundle.challenge.tasks.items():
        limits = ImageLimits(architecture=rules.architecture(task))
        for part, archive, program, starter in _parts(name, task):
            file = place(archive.image)
            if file is None:
                continue
            try:
                _check_image(rules.sif, file, limits, program, starter)
            except BadArchiveError as problem:
                yield Problem(
                    file=bundle.directory / archive.image,
                    line=None,
                    key=f"tasks.{name}.{part}",
                    message=problem.message,
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


def trial_problems(bundle: Bundle, rules: ImageRules, place: Place) -> Iterator[Problem]:
    """Yield what is wrong with the code and the images that the dry run submits; of what has to be refused nothing is."""
    for key, trial in trials_of(bundle.challenge):
        file, phase = place(trial.file), phase_of(bundle.challenge, trial)
        if file is None or phase is None or trial.expect in _REFUSED:
            continue
        task = bundle.challenge.tasks[phase.tasks[0]]
        try:
            _check_trial(rules, file, trial.kind, task)
        except BadArchiveError as problem:
            message = f"{problem.message} If that is what it has to show, write {MENDED}."
            yield bundle.document.problem((*key, "file"), message)


MENDED = "'expect: bad_archive'"
_REFUSED = (ExpectedOutcome.BAD_ARCHIVE, ExpectedOutcome.IMAGE_START)
"""What is said of files with which something is wrong."""


def _check_trial(rules: ImageRules, file: Path, kind: str, task: Task) -> None:
    if kind == "code":
        with tempfile.TemporaryDirectory(prefix="sealrun-trial-") as folder:
            repack_code(file, Path(folder, "code.tar"))
    elif kind == "image":
        limits = ImageLimits(architecture=rules.architecture(task))
        _check_image(rules.sif, file, limits, task.predict.argv[0], "a submission")
