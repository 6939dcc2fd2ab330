"""The demo's own site: the practice cluster's settings with fresh data, database and storage."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from site_config.practice.site import Status

TIME = "40s"
"""What a submission of the demo may take: one of them never ends, the others may have to wait for a busy processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """Where the demo's files are and where its servers listen."""

    directory: Path
    settings: Path
    portal_port: int
    provider_port: int

    @property
    def portal(self) -> str:
        """Return the address that browsers open."""
        return f"http://127.0.0.1:{self.portal_port}"

    @property
    def issuer(self) -> str:
        """Return the demo's OpenID provider."""
        return f"http://127.0.0.1:{self.provider_port}"


def prepare_site(
    practice: Status,
    example: Path,
    *,
    portal_port: int,
    provider_port: int,
    name: str = "demo",
    directory: Path | None = None,
) -> DemoSite:
    """Make everything anew below ``name``; what an earlier one of that name left is removed.

    ``directory`` is where settings and database lie, if not in the practice site's own place for them.
    """
    directory = directory or practice.directory / "portal" / name
    storage = practice.shared / "sealrun" / name
    for old in (directory, storage):
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir(parents=True, mode=0o750)
    site = DemoSite(
        directory=directory,
        settings=directory / "site.yaml",
        portal_port=portal_port,
        provider_port=provider_port,
    )
    settings: dict[str, Any] = yaml.safe_load(practice.site_yaml.read_text())
    # Everything of the demo runs as the account that started it.
    settings.pop("accounts", None)
    settings["site"] |= {"name": "Sealrun demo", "url": site.portal, "support": "the demo's log"}
    settings["database"] = {"url": f"sqlite:///{directory / 'sealrun.db'}"}
    settings["login"]["providers"][0]["issuer"] = site.issuer
    settings["clusters"]["main"]["storage"] = str(storage)
    settings["profiles"]["gpu-small"]["time"] = TIME
    settings["data"] = _install_data(practice.shared / "data" / name, example)
    site.settings.write_text(yaml.safe_dump(settings, sort_keys=False))
    return site


def _install_data(place: Path, example: Path) -> dict[str, Any]:
    """Copy the private data to where the nodes see it; nothing but the jobs reads it there."""
    entries = {}
    for source in sorted((example / "data").iterdir()):
        target = place / source.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        entries[source.name] = {"path": str(target), "challenges": ["digits"]}
    return entries
