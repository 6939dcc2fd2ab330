"""Everything on disk that a site needs before it can start. Doing it again repairs what a kill left undone."""

import os
from pathlib import Path

from site_config.practice.configuration import REST_UID, Owners, write_configuration
from site_config.practice.credentials import make_credentials, write_known_hosts
from site_config.practice.errors import PracticeError
from site_config.practice.launch import Launch, write_launch
from site_config.practice.machine import networks
from site_config.practice.machine.accounts import (
    Account,
    choose_account,
    is_person,
    topmost_barrier,
)
from site_config.practice.machine.files import make_directory, own_tree, remove_tree, write_file
from site_config.practice.machine.locks import locked
from site_config.practice.paths import DIRECTORY_VARIABLE, SitePaths, cache_directory
from site_config.practice.records import Record, read_record, write_record
from site_config.practice.root import roots
from site_config.practice.root.recipe import Recipe
from site_config.practice.root.releases import Release
from site_config.practice.site_file import as_text, site_yaml
from site_config.practice.weaknesses import weaken_files, weakened_settings, weaknesses_named


def prepare(
    paths: SitePaths,
    *,
    release: Release,
    root: Path,
    account_uid: int | None,
    weaknesses: tuple[str, ...] = (),
) -> Record:
    """Lay out the site's folder for the built *root* of this *release*; return what was decided."""
    chosen = weaknesses_named(weaknesses)
    key = Recipe.of(release).key
    # Whoever runs the portal must be able to pass through to the site's files.
    make_directory(paths.home)
    before = read_record(paths)
    account = choose_account(account_uid, before.account if before else None, os.environ)
    barrier = topmost_barrier(paths.shared, account)
    if barrier:
        raise PracticeError(
            f"{DIRECTORY_VARIABLE} is below {barrier}, which the user id {account.uid} cannot enter: choose "
            f"another folder, or open that one (chmod o+x {barrier})"
        )
    record = _decide(paths, before, account, release, weaknesses)
    if before and before.root != key:
        roots.release_root(cache_directory(), before.root, paths.home)
    roots.use_root(cache_directory(), key, paths.home)
    cable = record.cable(paths)
    address = cable.inside_address
    owners = Owners.of(root)
    _make_folders(paths, owners, account)
    make_credentials(paths, account)
    write_known_hosts(paths, account, address)
    write_configuration(paths, root, owners, account, cable, release, chosen)
    write_launch(paths, Launch(root=str(root), cable=cable))
    # A person who runs the portal cannot become somebody else for its pages.
    settings = site_yaml(paths, address, web_account=not is_person(account))
    text = as_text(weakened_settings(settings, chosen))
    write_file(paths.site_yaml, text, uid=account.uid, gid=account.gid)
    weaken_files(paths, root, chosen)
    return record


def _decide(
    paths: SitePaths,
    before: Record | None,
    account: Account,
    release: Release,
    weaknesses: tuple[str, ...],
) -> Record:
    """Choose the network and write the record, so that a neighbour that starts now chooses another one."""
    home = str(paths.home)
    with locked(
        paths.home.parent / ".network.lock", seconds=30, what="the practice sites' networks"
    ):
        taken = networks.networks_in_use(networks.interface_for(home))
        for file in paths.home.parent.glob("*/site.json"):
            neighbour = SitePaths(home=file.parent)
            other = read_record(neighbour) if neighbour != paths else None
            taken += [other.network] if other else []
        network = networks.choose_network(home, taken, before.network if before else None)
        record = Record(
            root=Recipe.of(release).key,
            network=network,
            account=account,
            release=release,
            weaknesses=weaknesses,
        )
        write_record(paths, record)
    return record


def _make_folders(paths: SitePaths, owners: Owners, account: Account) -> None:
    passing = (paths.scratch, paths.verified, paths.rest, paths.home / "copy")
    for stale in (paths.upper, paths.work, *passing):
        remove_tree(stale)
    for folder in (paths.upper, paths.work, paths.mount, paths.scratch, paths.logs, paths.state):
        make_directory(folder)
    make_directory(paths.rest, uid=REST_UID, gid=REST_UID)
    make_directory(paths.verified, mode=0o700, uid=account.uid, gid=account.gid)
    database = paths.state / "mysql"
    if not (database / ".installed").exists():
        # A database that was not completely made is of no use.
        remove_tree(database)
    for folder, owner in ((database, owners.mysql), (paths.state / "slurmctld", owners.slurm)):
        own_tree(folder, owner.uid, owner.gid)
        make_directory(folder, mode=0o700, uid=owner.uid, gid=owner.gid)
    for folder, mode in (
        (paths.shared, 0o755),
        (paths.storage, 0o750),
        (paths.data, 0o700),
        (paths.portal, 0o2770),
    ):
        own_tree(folder, account.uid, account.gid)
        make_directory(folder, mode=mode, uid=account.uid, gid=account.gid)
