"""Taking in the challenge of an organiser, and approving that it is run."""

import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NoReturn

from portal.bootstrap.challenge_images import check_images
from portal.bootstrap.site import Installation, first_cluster, operator
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.approvals import Approvals
from portal.files.errors import BadArchive
from portal.files.samples import pack_sample, unpack_sample
from portal.services import challenges
from portal.services.challenges import Material, TakenIn
from portal.services.submissions import Upload
from portal.services.task_approvals import approval_of
from portal.web.page_losses import losses_of
from site_config.bundle import load_challenge, read_page
from site_config.challenge import Challenge


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
    check_images(site, directory, described)
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


def _material(site: Installation, directory: Path, described: Challenge) -> Material:
    texts = {name: read_page(directory / name) for name in _texts(described)}
    archives = {}
    for task in described.tasks.values():
        for archive in filter(None, (task.scorer, task.base)):
            stored = site.store.add(directory / archive.image)
            archives[archive.image] = Upload(sha256=stored.sha256, size=stored.size)
        if task.sample:
            archives[task.sample] = _pack_sample(site, directory / task.sample)
    return Material(texts=texts, archives=archives)


def page_warnings(directory: Path) -> list[str]:
    """Return what the pages of the challenge in ``directory`` cannot show, each with file and line."""
    return [
        f"{directory / name}:{line}: {loss}"
        for name in dict.fromkeys(_texts(load_challenge(directory)))
        for line, loss in losses_of(read_page(directory / name))
    ]


def _texts(described: Challenge) -> list[PurePosixPath]:
    pages = [page.file for page in described.pages]
    return [*pages, *([described.terms] if described.terms else [])]


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
