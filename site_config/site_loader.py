"""Loads ``site.yaml`` and checks what one part of it says of another."""

from collections.abc import Iterator
from pathlib import Path

from site_config.errors import SettingsError
from site_config.site import Profile, Site
from site_config.validation import validate
from site_config.yaml_document import Key, read_document

SECRET_LIMIT = 4096
"""Bytes that a secret may have."""


def load_site(path: Path) -> Site:
    """Return the settings in ``path``; raise ``SettingsError`` with every problem and its line."""
    document = read_document(path)
    site = validate(Site, document)
    problems = [document.problem(key, message) for key, message in _contradictions(site)]
    if problems:
        raise SettingsError(problems)
    return site


def read_secret(file: Path) -> str:
    """Return the secret in ``file`` without its line end.

    Raise ``ValueError`` if others than owner and group can read the file, or if it holds no single
    line; let ``OSError`` pass. The message never shows the secret.
    """
    with file.open("rb") as stream:
        if file.stat().st_mode & 0o007:
            raise ValueError(f"{file} is open to everybody; make it readable by its owner only")
        data = stream.read(SECRET_LIMIT + 1)
    secret = data.decode("utf-8", "replace").strip()
    if not secret or len(data) > SECRET_LIMIT or not secret.isprintable():
        raise ValueError(f"{file} must hold the secret on one line and nothing else")
    return secret


def _contradictions(site: Site) -> Iterator[tuple[Key, str]]:
    for name, profile in site.profiles.items():
        if profile.cluster not in site.clusters:
            yield ("profiles", name, "cluster"), f"there is no cluster '{profile.cluster}'"
        if (message := _sample_problem(site, profile)) is not None:
            yield ("profiles", name, "sample"), message
    yield from _torn_partitions(site)
    for name, data in site.data.items():
        if data.profile is not None and data.profile not in site.profiles:
            yield ("data", name, "profile"), f"there is no profile '{data.profile}' to measure with"
    for name, cluster in site.clusters.items():
        build = site.profiles.get(cluster.build)
        if build is None:
            yield (
                ("clusters", name, "build"),
                f"there is no profile '{cluster.build}' to build with",
            )
        elif build.cluster != name:
            yield ("clusters", name, "build"), f"profile '{cluster.build}' is on another cluster"
        else:
            yield from _other_processors(site, name, build)


def _other_processors(site: Site, cluster: str, build: Profile) -> Iterator[tuple[Key, str]]:
    """Find profiles of a cluster whose nodes cannot run what is built on it."""
    for name, profile in site.profiles.items():
        if profile.cluster == cluster and profile.architecture != build.architecture:
            message = (
                f"images are built for {build.architecture} on this cluster, in its build profile"
            )
            yield ("profiles", name, "architecture"), message


def _sample_problem(site: Site, profile: Profile) -> str | None:
    if profile.sample is None:
        return None
    sample = site.profiles.get(profile.sample)
    if sample is None:
        return f"there is no profile '{profile.sample}' to run on samples with"
    if sample.cluster != profile.cluster:
        return f"profile '{profile.sample}' is on another cluster"
    return None


def _torn_partitions(site: Site) -> Iterator[tuple[Key, str]]:
    """Find profiles of one partition that have different words for its nodes."""
    words: dict[tuple[str, str], tuple[str, str]] = {}
    for name, profile in site.profiles.items():
        if profile.exclusive:
            continue
        word = profile.nodes or profile.partition
        first, its = words.setdefault((profile.cluster, profile.partition), (name, word))
        if word != its:
            message = f"profile '{first}' has the same partition and other nodes, '{its}'"
            yield ("profiles", name, "nodes"), message
