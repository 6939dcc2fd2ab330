"""Taking in the challenge of an organiser, and approving that it is run."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from portal.bootstrap.site import Installation, first_cluster, operator
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.approvals import Approvals
from portal.files.errors import BadArchive
from portal.files.images import ImageLimits, inspect_image, inspect_layers
from portal.files.programs import check_program
from portal.files.samples import pack_sample, unpack_sample
from portal.services import challenges
from portal.services.challenges import Material, TakenIn
from portal.services.submissions import Upload
from portal.services.task_approvals import approval_of
from portal.worker.prepare import signature_of
from site_config.bundle import load_challenge, read_page
from site_config.challenge import Challenge, Task
from site_config.errors import Problem, SettingsError


class _OnlyChecked(Exception):  # noqa: N818 - no error: it undoes what was tried
    """Ends a transaction that is not to be kept."""


def _undo() -> NoReturn:
    raise _OnlyChecked


def add_challenge(
    site: Installation,
    directory: Path,
    *,
    agreed: Callable[[str], bool] = lambda _: True,
    only_check: bool = False,
) -> TakenIn:
    """Take in the challenge in ``directory``, or only say what that would do.

    ``agreed`` is asked about what cannot be taken back. Raises ``SettingsError`` for what is wrong with the bundle, with file
    and line, and ``OperatorError`` if it was not agreed to; nothing has changed then.
    """
    described = load_challenge(directory, site.settings)
    _check_images(site, directory, described)
    material = _material(site, directory, described)
    _ask(site, described, agreed)
    try:
        with site.database.writing() as session:
            taken = challenges.add_challenge(
                session,
                actor=operator(),
                described=described,
                material=material,
                resources=site.resources,
                now=site.clock(),
            )
            if only_check:
                _undo()
            approval = approval_of(session, described.slug)
            approvals_of_site(site).put(Slug(described.slug), approval)
    except _OnlyChecked:
        pass
    return taken


def _ask(site: Installation, described: Challenge, agreed: Callable[[str], bool]) -> None:
    with site.database.reading() as session:
        reveals = challenges.revealed_by(session, described, now=site.clock())
    question = (
        f"'leaderboard.reveal' of {described.slug} lies in the past: all that is kept until then is shown to"
        " everybody at once. Go on?"
    )
    if reveals and not agreed(question):
        raise OperatorError("nothing was changed")


def _check_images(site: Installation, directory: Path, described: Challenge) -> None:
    """Look into the organiser's images now: later only staff would see that they cannot be built.

    Raises ``SettingsError`` with what is wrong with each.
    """
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
            except BadArchive as problem:
                key = f"tasks.{name}.{part}"
                problems.append(Problem(file=file, line=None, key=key, message=problem.sentence))
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
    found = inspect_image(file, limits)
    signature_of(site.resources.sif, found)
    if found.format == "sif":
        return  # what is in it is seen by the build alone
    inspect_layers(file, limits)
    if not program.startswith("/submission/"):
        check_program(file, program, starter, limits)


def _material(site: Installation, directory: Path, described: Challenge) -> Material:
    pages = [page.file for page in described.pages]
    texts = {
        name: read_page(directory / name)
        for name in [*pages, *([described.terms] if described.terms else [])]
    }
    archives = {}
    for task in described.tasks.values():
        for archive in filter(None, (task.scorer, task.base)):
            stored = site.store.add(directory / archive.image)
            archives[archive.image] = Upload(sha256=stored.sha256, size=stored.size)
        if task.sample:
            archives[task.sample] = _pack_sample(site, directory / task.sample)
    return Material(texts=texts, archives=archives)


def _pack_sample(site: Installation, directory: Path) -> Upload:
    with tempfile.TemporaryDirectory(prefix="sealrun-sample-") as folder:
        packed = Path(folder, "sample.tar")
        pack_sample(directory, packed)
        try:
            unpack_sample(packed, Path(folder, "tried"), max_bytes=site.resources.upload_limit)
        except BadArchive as problem:
            raise OperatorError(f"{directory} cannot be a sample: {problem.sentence}") from problem
        stored = site.store.add(packed)
    return Upload(sha256=stored.sha256, size=stored.size)


def approvals_of_site(site: Installation) -> Approvals:
    """Return where the approvals lie: out of reach of the web process."""
    return Approvals(first_cluster(site.settings)[1].storage / "orders")
