"""The site.yaml that a portal on the practice site reads."""

from dataclasses import dataclass
from typing import Any

import yaml

from site_config.practice.credentials import ACCOUNT_KEY, SEAL_KEY
from site_config.practice.daemons import QOS, SLURM_ACCOUNT
from site_config.practice.machine.accounts import ACCOUNT_NAME, WEB_NAME
from site_config.practice.paths import SitePaths


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFolder:
    """A private folder below the site's `data`, and the challenges that may mount it."""

    path: str
    challenges: tuple[str, ...]


def site_yaml(
    paths: SitePaths,
    address: str,
    *,
    url: str = "http://127.0.0.1:8000",
    issuer: str = "http://127.0.0.1:9400",
    data: dict[str, DataFolder] | None = None,
    web_account: bool = False,
) -> dict[str, Any]:
    """Return the settings of a portal on this site, as they stand in site.yaml.

    With ``web_account`` its pages are served by an account of their own.
    """
    provider = {
        "id": "demo",
        "title": "Demo login",
        "issuer": issuer,
        "client_id": "sealrun",
        "client_secret_file": str(paths.secrets / "oidc-client"),
    }
    return {
        "site": {"name": "Practice site", "url": url, "support": "whoever started this practice site"},
        "database": {"url": f"sqlite:///{paths.portal / 'sealrun.db'}"},
        "login": {"providers": [provider]},
        "seal": {
            "key_file": str(paths.secrets / SEAL_KEY),
            "public_keys": [str(paths.secrets / f"{SEAL_KEY}.pub")],
        },
        **({"accounts": {"web": WEB_NAME}} if web_account else {}),
        "clusters": {"main": _cluster(paths, address)},
        "profiles": _profiles(),
        "data": {
            name: {"path": folder.path, "challenges": list(folder.challenges)}
            for name, folder in (data or {}).items()
        },
        # No more than the nodes of a small machine have room for.
        "limits": {"upload": "2G", "output": "500M", "output_files": 10000, "scratch": "4G"},
        # Its GPUs are device files without a driver.
        "probe": {"gpu_driver": False},
        # Whoever tries faults here need not wait for minutes.
        "worker": {"pauses": ["2s", "5s"]},
    }  # fmt: skip


def _profiles() -> dict[str, dict[str, Any]]:
    """Return the profiles. The site's two nodes are one machine with one kernel, so that they are one word."""
    usual = {"cluster": "main", "cpus": 1, "memory": "1G", "time": "2m", "nodes": "machine"}
    return {
        "gpu-small": {**usual, "partition": "gpu", "gres": "gpu:1", "running": 4},
        "score": {**usual, "partition": "build"},
        "build": {**usual, "partition": "build", "memory": "2G", "time": "5m"},
    }


def _cluster(paths: SitePaths, address: str) -> dict[str, Any]:
    return {
        "connect": {
            "ssh": {
                "host": address,
                "port": 22,
                "user": ACCOUNT_NAME,
                "key_file": str(paths.ssh / ACCOUNT_KEY),
                "known_hosts": str(paths.ssh / "known_hosts"),
            }
        },
        "slurm": {"interface": "commands", "account": SLURM_ACCOUNT, "qos": QOS},
        "storage": str(paths.storage),
        "apptainer": {"minimum": "1.3.6"},
    }


def as_text(settings: dict[str, Any]) -> str:
    """Return the settings as the text of a site.yaml."""
    head = "# Written by `sealrun practice up`, which writes it again at each start.\n"
    return head + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
