"""Importing an organiser's challenge, and approving that it is run."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NoReturn

from portal.bootstrap.approvals import approvals_of_site
from portal.bootstrap.challenge_images import image_problems, rules_of
from portal.bootstrap.site import Installation, operator
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.archives.samples import pack_sample, unpack_sample
from portal.files.errors import BadArchiveError
from portal.services.challenges import import_bundle
from portal.services.challenges.import_bundle import BundleContent, TakenIn
from portal.services.evaluations.task_approvals import approval_of
from portal.services.submissions.submit import Upload
from site_config.bundle import read_bundle, read_page
from site_config.challenge import Challenge
from site_config.errors import SettingsError

Take = Callable[[Path], Upload]
"""What becomes of a file of the bundle."""


class _DryRunError(Exception):
    """Ends a transaction that is not to be kept."""


def _undo() -> NoReturn:
    raise _DryRunError


def add_challenge(
    site: Installation,
    directory: Path,
    *,
    agreed: Callable[[str], bool] = lambda _: True,
    only_check: bool = False,
    as_draft: bool = False,
) -> TakenIn:
    """Import the challenge in ``directory``, or only say what that would do.

    ``agreed`` is asked about what cannot be taken back. Raises ``SettingsError`` for what is wrong with the bundle, with file
    and line, and ``OperatorError`` if it was not agreed to; nothing has changed then.
    """
    bundle = read_bundle(directory)
    problems = bundle.problems(site.settings) or [*image_problems(bundle, rules_of(site))]
    if problems:
        raise SettingsError(problems)
    described = bundle.challenge
    material = _material(site, directory, described, _looked_at if only_check else _keeper(site))
    _ask(site, described, agreed)
    try:
        with site.database.writing() as session:
            taken = import_bundle.add_challenge(
                session,
                actor=operator(),
                described=described,
                material=material,
                resources=site.resources,
                as_draft=as_draft,
                now=site.clock(),
            )
            if only_check:
                _undo()
            approval = approval_of(session, described.slug)
            approvals_of_site(site).put(Slug(described.slug), approval)
    except _DryRunError:
        pass
    return taken


def _ask(site: Installation, described: Challenge, agreed: Callable[[str], bool]) -> None:
    with site.database.reading() as session:
        reveals = import_bundle.revealed_by(session, described, now=site.clock())
    question = (
        f"'leaderboard.reveal' of {described.slug} lies in the past: all that is kept until then is shown to"
        " everybody at once. Go on?"
    )
    if reveals and not agreed(question):
        raise OperatorError("nothing was changed")


def _keeper(site: Installation) -> Take:
    def keep(file: Path) -> Upload:
        stored = site.store.add(file)
        return Upload(sha256=stored.sha256, size=stored.size)

    return keep


def _looked_at(file: Path) -> Upload:
    """Return what a file would be in the store, and put nothing there."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Upload(sha256=digest, size=stream.tell())


def _material(
    site: Installation, directory: Path, described: Challenge, take: Take
) -> BundleContent:
    texts = {name: read_page(directory / name) for name in _texts(described)}
    archives = {}
    for task in described.tasks.values():
        for archive in filter(None, (task.scorer, task.base)):
            archives[archive.image] = take(directory / archive.image)
        if task.sample:
            most = site.resources.upload_limit
            archives[task.sample] = _pack_sample(directory / task.sample, take, max_bytes=most)
    return BundleContent(texts=texts, archives=archives)


def _texts(described: Challenge) -> list[PurePosixPath]:
    pages = [page.file for page in described.pages]
    return [*pages, *([described.terms] if described.terms else [])]


def _pack_sample(directory: Path, take: Take, *, max_bytes: int) -> Upload:
    with tempfile.TemporaryDirectory(prefix="sealrun-sample-") as folder:
        packed = Path(folder, "sample.tar")
        pack_sample(directory, packed)
        try:
            unpack_sample(packed, Path(folder, "tried"), max_bytes=max_bytes)
        except BadArchiveError as problem:
            raise OperatorError(f"{directory} cannot be a sample: {problem.message}") from problem
        return take(packed)
