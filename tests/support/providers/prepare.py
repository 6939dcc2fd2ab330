"""Install what the providers of the tests are made of: ``python -m tests.support.providers.prepare``.

Everything comes from lock files with hashes and is kept in a cache folder outside the checkout, under
a digest of its lock file, so that it is installed once. The tests only read the folder.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
FOLDER_VARIABLE = "SEALRUN_PROVIDERS"
"""Says to the tests where the prepared folder is, if it is not in the default place."""

DEFAULT_CACHE = Path("/var/cache/sealrun")
HUB_LOCK = HERE / "jupyterhub-requirements.txt"
NODE_LOCK = HERE / "oidc_provider_server" / "package-lock.json"


def cache_directory() -> Path:
    """Return where whoever runs this keeps what was prepared."""
    fallback = DEFAULT_CACHE if os.geteuid() == 0 else Path.home() / ".cache/sealrun"
    return Path(os.environ.get("SEALRUN_CACHE_DIR", fallback)) / "providers"


def prepared() -> Path:
    """Return the folder that the tests read; it may not exist."""
    return Path(os.environ.get(FOLDER_VARIABLE) or cache_directory())


def node_modules(folder: Path) -> Path:
    """Return where oidc-provider and what it needs are, below a prepared folder."""
    return folder / f"oidc-provider-{_digest(NODE_LOCK)}" / "node_modules"


def hub_environment(folder: Path) -> Path:
    """Return where JupyterHub's virtual environment is, below a prepared folder."""
    major, minor, *_ = sys.version_info
    return folder / f"jupyterhub-py{major}.{minor}-{_digest(HUB_LOCK)}"


def prepare(folder: Path) -> None:
    """Install everything that is missing below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _once(node_modules(folder).parent, _install_node_modules)
    _once(hub_environment(folder), _install_hub)


def _install_node_modules(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_LOCK.with_name(name), folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], cwd=folder, check=True)  # fmt: skip


def _install_hub(folder: Path) -> None:
    uv = Path(sys.prefix, "bin", "uv")
    python = folder / "bin" / "python"
    # Copied, as links into somebody's cache of packages may be for their eyes only. The programs that
    # come with packages would still look for the folder in which it was made; python does not.
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, "--allow-existing", folder], check=True)  # fmt: skip
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "--link-mode", "copy", "--compile-bytecode", "--require-hashes", "-r", HUB_LOCK], check=True)  # fmt: skip


def _once(place: Path, install: Callable[[Path], None]) -> None:
    """Make a folder with ``install``, unless it is there; it appears only when it is finished."""
    if place.exists():
        return
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as parent:
        fresh = Path(parent, "made")
        fresh.mkdir()
        install(fresh)
        try:
            fresh.rename(place)
        except OSError:
            # Another run may have been quicker, with the same.
            if not place.exists():
                raise


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def main() -> None:
    """Prepare into the folder that is named, or into the default one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=prepared(), help="the folder to install below")
    prepare(parser.parse_args().into)


if __name__ == "__main__":
    main()
