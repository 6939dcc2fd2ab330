"""Importing an organiser's challenge, and approving that it is run."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from portal.bootstrap.approvals import approvals_of_site
from portal.bootstrap.challenge_images import image_problems, rules_of
from portal.bootstrap.site import Installation, operator
from portal.domain import untrusted
from portal.domain.challenges.revisions import BundleFile, file_changes, text_changes
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.archives.samples import pack_sample, unpack_sample
from portal.files.atomic import become, beside
from portal.files.errors import BadArchiveError
from portal.files.store import DamagedFileError
from portal.services.challenges import import_bundle, revisions
from portal.services.challenges.import_bundle import BundleContent, TakenIn
from portal.services.challenges.revisions import RevisionContent
from portal.services.evaluations.task_approvals import approval_of
from portal.services.submissions.submit import Upload
from site_config.bundle import FILE_NAME, PAGE_LIMIT, read_bundle, read_page
from site_config.challenge import Challenge
from site_config.errors import SettingsError
from site_config.fields import InnerPath

_INNER_PATH: TypeAdapter[PurePosixPath] = TypeAdapter(InnerPath)

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
    archives: dict[PurePosixPath, Upload] = {}
    for task in described.tasks.values():
        for archive in filter(None, (task.scorer, task.base)):
            archives[archive.image] = take(directory / archive.image)
        if task.sample:
            most = site.resources.upload_limit
            archives[task.sample] = _pack_sample(directory / task.sample, take, max_bytes=most)
    samples = {task.sample for task in described.tasks.values() if task.sample}
    files = {
        str(name): BundleFile(sha256=one.sha256, size=one.size, is_directory=name in samples)
        for name, one in (
            *((name, take(directory / name)) for name in texts),
            *archives.items(),
        )
    }
    settings = read_page(directory / FILE_NAME)
    content = RevisionContent(settings=settings, files=files)
    return BundleContent(texts=texts, archives=archives, all_of_it=content)


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


def export_bundle(
    site: Installation, slug: str, target: Path, *, number: int | None = None
) -> RevisionContent:
    """Write a revision of a challenge as the bundle that it was, the last one without a number.

    The directory appears whole or not at all. Raises ``NotFoundError``, and ``OperatorError`` where something is there
    already, or a file is gone from the store or is not as it was stored.
    """
    with site.database.reading() as session:
        content = revisions.content_of(session, revisions.find(session, slug, number))
    if target.exists():
        raise OperatorError(f"{target} is there already, and is not changed")
    with beside(target) as part:
        bundle = part / "bundle"
        bundle.mkdir(mode=0o755)
        (bundle / FILE_NAME).write_text(content.settings, encoding="utf-8")
        for name, file in content.files.items():
            _put_back(site, file, bundle / _inner(name))
        become(bundle, target)
    return content


def _inner(name: str) -> PurePosixPath:
    """Return a path inside the bundle, as the database has it. Raises ``OperatorError`` for any other."""
    try:
        return _INNER_PATH.validate_python(name)
    except ValidationError as error:
        raise OperatorError(f"the database names a file that is none: {name[:200]!r}") from error


def _put_back(site: Installation, file: BundleFile, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = untrusted.sha256(file.sha256, "revision_files.blob_sha256")
    try:
        if not file.is_directory:
            site.store.copy(digest, place)
            place.chmod(0o644)
            return
        with beside(place) as folder:
            packed = folder / "sample.tar"
            site.store.copy(digest, packed)
            unpack_sample(packed, place, max_bytes=max(1, file.size))
    except (FileNotFoundError, DamagedFileError, BadArchiveError) as problem:
        raise OperatorError(f"{place.name} cannot be written: {problem}") from problem


def differences(site: Installation, directory: Path) -> list[str]:
    """Return how a bundle differs from the last revision of its challenge, as lines of a unified difference."""
    bundle = read_bundle(directory)
    with site.database.reading() as session:
        before = revisions.content_of(session, revisions.find(session, bundle.challenge.slug))
    now = _material(site, directory, bundle.challenge, _looked_at).all_of_it
    lines = list(text_changes(before.settings, now.settings, FILE_NAME))
    texts = {str(name) for name in _texts(bundle.challenge)}
    for change in file_changes(before.files, now.files):
        if change.path in texts and change.before and change.now:
            with site.store.open(untrusted.sha256(change.before.sha256, "revision_files")) as file:
                old = file.read(PAGE_LIMIT).decode("utf-8-sig", "replace")
            lines += text_changes(old, read_page(directory / change.path), change.path)
        else:
            word = "changed" if change.before and change.now else "new" if change.now else "gone"
            lines.append(f"{word}: {change.path}")
    return lines
