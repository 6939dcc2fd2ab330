"""Everything that can be said of a challenge's bundle without a site, or with one but without changing anything."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.domain.challenges.profiles import SifPolicy
from portal.files.archives.samples import packed_sample
from portal.files.errors import BadArchiveError
from portal.services.challenges.bundles.checks import (
    ImageRules,
    files_in,
    image_problems,
    trial_problems,
)
from portal.web.rendering.page_losses import losses_of
from site_config.authoring.advice import advice
from site_config.bundle import Bundle, read_bundle, read_page, text_files
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
    problems = [
        *bundle.problems(),
        *image_problems(bundle, rules, files_in(directory)),
        *_sample_problems(bundle),
        *trial_problems(bundle, rules, files_in(directory)),
    ]
    if problems:
        return Lint(problems=tuple(problems), warnings=tuple(page_warnings(bundle)))
    advised = [bundle.document.problem(key, text) for key, text in advice(bundle.challenge, now)]
    return Lint(problems=(), warnings=(*advised, *page_warnings(bundle)))


def page_warnings(bundle: Bundle) -> list[Problem]:
    """Return what the pages of a bundle cannot show."""
    found = []
    for name in dict.fromkeys(text_files(bundle.challenge)):
        file = bundle.directory / name
        # What cannot be read stands among the problems.
        with suppress(OSError, UnicodeDecodeError):
            found += [
                Problem(file=file, line=line, key="", message=loss)
                for line, loss in losses_of(read_page(file))
            ]
    return found


def _sample_problems(bundle: Bundle) -> list[Problem]:
    found = []
    for name, task in bundle.challenge.tasks.items():
        if task.sample is None or not (bundle.directory / task.sample).is_dir():
            continue
        try:
            with packed_sample(bundle.directory / task.sample, max_bytes=MAX_SAMPLE_BYTES):
                pass
        except BadArchiveError as problem:
            found.append(bundle.document.problem(("tasks", name, "sample"), problem.message))
    return found
