"""What is written down about a site: what it was set up with, and which process it is."""

import ipaddress
from dataclasses import asdict, dataclass
from typing import Any, cast

from site_config.practice.machine.accounts import Account
from site_config.practice.machine.files import read_json, write_json
from site_config.practice.machine.networks import Cable, cable_for
from site_config.practice.machine.processes import Process
from site_config.practice.paths import SitePaths
from site_config.practice.root.releases import DEFAULT_RELEASE, Release, release_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a site was set up with: the key of its root, its slice of the pool, its service account, its release of Slurm."""

    root: str
    network: ipaddress.IPv4Network
    account: Account
    release: Release
    weaknesses: tuple[str, ...] = ()
    """What is wrong with it on purpose, by name."""

    def cable(self, paths: SitePaths) -> Cable:
        """Return the site's network connection."""
        return cable_for(str(paths.home), self.network)


def read_record(paths: SitePaths) -> Record | None:
    """Return what the site was set up with; None if it never was."""
    value = cast("dict[str, Any] | None", read_json(paths.record))
    if value is None:
        return None
    account = Account(uid=value["account_uid"], gid=value["account_gid"])
    return Record(
        root=value["root"],
        network=ipaddress.IPv4Network(value["network"]),
        account=account,
        # Absent in the record of a site from before there was a choice.
        release=release_named(value.get("slurm", DEFAULT_RELEASE)),
        weaknesses=tuple(value.get("weaknesses", ())),
    )


def write_record(paths: SitePaths, record: Record) -> None:
    """Write down what the site is set up with."""
    value = {
        "root": record.root,
        "network": str(record.network),
        "account_uid": record.account.uid,
        "account_gid": record.account.gid,
        "slurm": record.release.name,
        "weaknesses": list(record.weaknesses),
    }
    write_json(paths.record, value)


def running_process(paths: SitePaths) -> Process | None:
    """Return the running site's process 1; None if the site does not run."""
    value = cast("dict[str, Any] | None", read_json(paths.process))
    if value is None:
        return None
    process = Process(pid=value["pid"], start_ticks=value["start_ticks"], boot=value["boot"])
    return process if process.is_alive() else None


def write_process(paths: SitePaths, process: Process) -> None:
    """Write down which process is the running site's process 1."""
    write_json(paths.process, asdict(process))
