"""Everything that can be said of a challenge's bundle without a site, or with one but without changing anything."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.bootstrap.challenge_images import ImageRules, image_problems
from portal.domain.challenges.profiles import SifPolicy
from portal.files.archives.samples import pack_sample, unpack_sample
from portal.files.errors import BadArchiveError
from portal.web.rendering.page_losses import losses_of
from site_config.authoring.advice import advice
from site_config.bundle import Bundle, read_bundle, read_page
from site_config.errors import Problem, SettingsError

MAX_SAMPLE_BYTES = 20 * 1024**3
"""Of a sample, where no site says how large an upload may be: what sites allow without a setting of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    """What is wrong with a bundle, and what its author should think about again."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def lint_bundle(directory: Path, *, architecture: str, now: datetime) -> Lint:
    """Look at a bundle, its archives, pages and sample, without a site.

    ``architecture`` is that of the site's nodes, in the words of container images; empty for any.
    """
    try:
        bundle = read_bundle(directory)
    except SettingsError as error:
        return Lint(problems=error.problems)
    rules = ImageRules(sif=SifPolicy(), architecture=lambda _: architecture)
    problems = [*bundle.problems(), *image_problems(bundle, rules), *_sample_problems(bundle)]
    if problems:
        return Lint(problems=tuple(problems), warnings=tuple(page_warnings(bundle)))
    advised = [bundle.document.problem(key, text) for key, text in advice(bundle.challenge, now)]
    return Lint(problems=(), warnings=(*advised, *page_warnings(bundle)))


def page_warnings(bundle: Bundle) -> list[Problem]:
    """Return what the pages of a bundle cannot show."""
    return [
        Problem(file=file, line=line, key="", message=loss)
        for file in dict.fromkeys(_page_files(bundle))
        for line, loss in losses_of(read_page(file))
    ]


def _page_files(bundle: Bundle) -> list[Path]:
    challenge = bundle.challenge
    names = [*(page.file for page in challenge.pages), *filter(None, [challenge.terms])]
    return [bundle.directory / name for name in names if _is_readable_text(bundle.directory / name)]


def _is_readable_text(file: Path) -> bool:
    try:
        read_page(file)
    except (OSError, UnicodeDecodeError):
        # Stands among the problems.
        return False
    return True


def _sample_problems(bundle: Bundle) -> list[Problem]:
    found = []
    for name, task in bundle.challenge.tasks.items():
        if task.sample is None or not (bundle.directory / task.sample).is_dir():
            continue
        try:
            with tempfile.TemporaryDirectory(prefix="sealrun-sample-") as folder:
                packed = Path(folder, "sample.tar")
                pack_sample(bundle.directory / task.sample, packed)
                unpack_sample(packed, Path(folder, "tried"), max_bytes=MAX_SAMPLE_BYTES)
        except BadArchiveError as problem:
            found.append(bundle.document.problem(("tasks", name, "sample"), problem.message))
    return found
