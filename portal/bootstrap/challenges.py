"""Importing an organiser's challenge, and approving that it is run."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from portal.bootstrap.approvals import approvals_of_site
from portal.bootstrap.site import Installation, operator
from portal.domain import untrusted
from portal.domain.challenges.revisions import BundleFile, FileChange, file_changes, text_changes
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.archives.samples import packed_sample, unpack_sample
from portal.files.atomic import become, beside
from portal.files.errors import BadArchiveError
from portal.files.store import DamagedFileError
from portal.services.challenges.bundles import checks, import_bundle, proposals, revisions
from portal.services.challenges.bundles.checks import files_in
from portal.services.challenges.bundles.differences import stored_text
from portal.services.challenges.bundles.import_bundle import BundleContent, TakenIn
from portal.services.challenges.bundles.revisions import RevisionContent
from portal.services.evaluations.task_approvals import approval_of
from site_config.bundle import (
    FILE_NAME,
    Bundle,
    large_files,
    pictures_of,
    read_bundle,
    read_page,
    samples_of,
    text_files,
)
from site_config.challenge import Challenge
from site_config.errors import SettingsError
from site_config.fields import InnerPath

_INNER_PATH: TypeAdapter[PurePosixPath] = TypeAdapter(InnerPath)

Take = Callable[[Path], BundleFile]
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
    untried: bool = False,
) -> TakenIn:
    """Import the challenge in ``directory``, or only say what that would do.

    ``agreed`` is asked about what cannot be taken back. Raises ``SettingsError`` for what is wrong with the bundle, with file
    and line, and ``OperatorError`` if it was not agreed to; nothing has changed then.
    """
    described = _checked(site, directory).challenge
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
                untried=untried,
                now=site.clock(),
            )
            if only_check:
                _undo()
            approval = approval_of(session, described.slug)
            approvals_of_site(site).put(Slug(described.slug), approval)
    except _DryRunError:
        pass
    return taken


def _checked(site: Installation, directory: Path) -> Bundle:
    bundle = read_bundle(directory)
    if problems := checks.problems_of(bundle, site.resources, files_in(directory)):
        raise SettingsError([replace(one, file=directory / one.file) for one in problems])
    return bundle


def _ask(site: Installation, described: Challenge, agreed: Callable[[str], bool]) -> None:
    with site.database.reading() as session:
        reveals = import_bundle.revealed_by(session, described, now=site.clock())
    what = "'leaderboard.reveal'" if described.leaderboard else "A 'reveal' of a board or a column"
    question = (
        f"{what} of {described.slug} lies in the past: all that is kept until then is shown to"
        " everybody at once. Go on?"
    )
    if reveals and not agreed(question):
        raise OperatorError("nothing was changed")


def _keeper(site: Installation) -> Take:
    def keep(file: Path) -> BundleFile:
        stored = site.store.add(file)
        return BundleFile(sha256=stored.sha256, size=stored.size)

    return keep


def _looked_at(file: Path) -> BundleFile:
    """Return what a file would be in the store, and put nothing there."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return BundleFile(sha256=digest, size=stream.tell())


def _material(
    site: Installation, directory: Path, described: Challenge, take: Take
) -> BundleContent:
    texts = {name: read_page(directory / name) for name in text_files(described)}
    named = (*texts, *pictures_of(described, texts), *large_files(described))
    files = {str(name): take(directory / name) for name in dict.fromkeys(named)}
    most = site.resources.upload_limit
    for name in samples_of(described):
        files[str(name)] = _sample(directory / name, take, max_bytes=most)
    settings = read_page(directory / FILE_NAME)
    return BundleContent(texts=texts, all_of_it=RevisionContent(settings=settings, files=files))


def _sample(directory: Path, take: Take, *, max_bytes: int) -> BundleFile:
    try:
        with packed_sample(directory, max_bytes=max_bytes) as packed:
            return replace(take(packed), is_directory=True)
    except BadArchiveError as problem:
        raise OperatorError(f"{directory} cannot be a sample: {problem.message}") from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ToApprove:
    """What an operator is asked to approve of a proposal."""

    needs: tuple[str, ...]
    """What of that which runs would be otherwise; empty where nothing is."""
    differences: tuple[str, ...]
    """The lines of a unified difference of ``challenge.yaml``, and what became of each file."""


def approve_revision(
    site: Installation, slug: str, number: int, *, agreed: Callable[[ToApprove], bool]
) -> TakenIn:
    """Apply a proposal together with what it runs, after everything of it was looked at as ``add_challenge`` does.

    Raises ``NotFoundError``, ``ParticipantError`` for a proposal that cannot be applied, ``SettingsError`` for what is
    wrong with it, and ``OperatorError`` if it was not agreed to; nothing has changed then.
    """
    with tempfile.TemporaryDirectory(prefix="sealrun-revision-") as folder:
        directory = Path(folder, "bundle")
        content = export_bundle(site, slug, directory, number=number)
        bundle = _checked(site, directory)
        if not agreed(_to_approve(site, slug, number, content)):
            raise OperatorError("nothing was changed")
        texts = {name: read_page(directory / name) for name in text_files(bundle.challenge)}
        with site.database.writing() as session:
            taken = proposals.apply(
                session,
                actor=operator(),
                slug=slug,
                number=number,
                described=bundle.challenge,
                material=BundleContent(texts=texts, all_of_it=content),
                resources=site.resources,
                now=site.clock(),
            )
            session.flush()
            approvals_of_site(site).put(Slug(slug), approval_of(session, slug))
    return taken


def _to_approve(site: Installation, slug: str, number: int, content: RevisionContent) -> ToApprove:
    with site.database.reading() as session:
        row = revisions.find(session, slug, number)
        before = revisions.content_of(session, revisions.find(session, slug))
    return ToApprove(
        needs=tuple(row.needs),
        differences=(
            *text_changes(before.settings, content.settings, FILE_NAME),
            *(_fate(change) for change in file_changes(before.files, content.files)),
        ),
    )


def _fate(change: FileChange) -> str:
    word = "changed" if change.before and change.now else "new" if change.now else "gone"
    return f"{word}: {change.path}"


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
            _put_back(site, file, bundle / inner_path(name))
        become(bundle, target)
    return content


def inner_path(name: str) -> PurePosixPath:
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
    texts = {str(name) for name in text_files(bundle.challenge)}
    for change in file_changes(before.files, now.files):
        if change.path in texts and change.before and change.now:
            untrusted.sha256(change.before.sha256, "revision_files.blob_sha256")
            old = stored_text(site.store, change.before)
            lines += text_changes(old, read_page(directory / change.path), change.path)
        else:
            lines.append(_fate(change))
    return lines
