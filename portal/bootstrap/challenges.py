"""Taking in the challenge of an organiser, and ordering that it is run."""

import tempfile
from pathlib import Path

from portal.bootstrap.site import Installation, first_cluster, operator
from portal.domain.errors import OperatorError
from portal.files.errors import BadArchive
from portal.files.orders import Orders
from portal.files.samples import pack_sample, unpack_sample
from portal.services import challenges, orders
from portal.services.challenges import Material
from portal.services.submissions import Upload
from site_config.bundle import load_challenge


def add_challenge(site: Installation, directory: Path) -> str:
    """Take in the challenge in ``directory``; return its slug.

    Raises ``SettingsError`` for what is wrong with the bundle, with file and line.
    """
    described = load_challenge(directory, site.settings)
    pages = [page.file for page in described.pages]
    texts = {
        name: (directory / name).read_text(encoding="utf-8")
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
        orders_of_site(site).put(described.slug, orders.orders_of(session, described.slug))
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


def orders_of_site(site: Installation) -> Orders:
    """Return where the orders lie: out of reach of the web process."""
    return Orders(first_cluster(site.settings)[1].storage / "orders")
