"""Taking in the challenge of an organiser, and approving that it is run."""

import tempfile
from pathlib import Path

from portal.bootstrap.site import Installation, first_cluster, operator
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files.approvals import Approvals
from portal.files.errors import BadArchive
from portal.files.samples import pack_sample, unpack_sample
from portal.services import challenges
from portal.services.challenges import Material
from portal.services.submissions import Upload
from portal.services.task_approvals import approval_of
from site_config.bundle import load_challenge, read_page


def add_challenge(site: Installation, directory: Path) -> str:
    """Take in the challenge in ``directory``; return its slug.

    Raises ``SettingsError`` for what is wrong with the bundle, with file and line.
    """
    described = load_challenge(directory, site.settings)
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
    with site.database.writing() as session:
        challenges.add_challenge(
            session,
            actor=operator(),
            described=described,
            material=Material(texts=texts, archives=archives),
            resources=site.resources,
            now=site.clock(),
        )
        approval = approval_of(session, described.slug)
        approvals_of_site(site).put(Slug(described.slug), approval)
    return described.slug


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
