"""The bundle that the challenge of ``factories`` would have come from, as revisions of it."""

import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.orm import Session

from portal.db.tables import ChallengeRevision, Person, Phase
from portal.domain.challenges.revisions import RevisionState
from portal.files.store import Store
from site_config.challenge import PhaseLimits
from tests.support import factories
from tests.support.factories import BUNDLE, Digits
from tests.support.worker.world import write_challenge

TEXTS = ("overview.md", "evaluation.md", "terms.md")


def texts() -> dict[str, bytes]:
    """Return the pages and terms."""
    return {name: (BUNDLE / name).read_bytes() for name in TEXTS}


def keep(folder: Path) -> None:
    """Put the pages and terms into a store."""
    store = Store(folder)
    for name in TEXTS:
        store.add(BUNDLE / name)


@functools.cache
def new_bundle(slug: str = "more-digits") -> bytes:
    """Return a zipped bundle with real images, for which the site of ``factories.resources`` has data."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_challenge(Path(folder, "bundle"))
        settings = yaml.safe_load((bundle / "challenge.yaml").read_text()) | {"slug": slug}
        (bundle / "challenge.yaml").write_text(yaml.safe_dump(settings))
        packed = shutil.make_archive(str(Path(folder, "packed")), "zip", bundle)
        return Path(packed).read_bytes()


def described(digits: Digits, **values: Any) -> dict[str, Any]:
    """Return what challenge.yaml would say, with some values of its top changed."""
    task = digits.task
    settings = {
        "schema": 1,
        "slug": digits.challenge.slug,
        "title": digits.challenge.title,
        "pages": [
            {"title": title, "file": f"{title.lower()}.md"} for title in ("Overview", "Evaluation")
        ],
        "terms": "terms.md",
        "join": {"policy": digits.challenge.join_policy},
        "teams": {"max_size": digits.challenge.team_size},
        "tasks": {
            task.slug: {
                "input": {"data": task.input_data},
                "truth": {"data": task.truth_data},
                "scorer": {"image": "scorer.tar"},
                "base": {"image": "base.tar"},
                "predict": {"profile": task.predict_profile, "argv": list(task.predict_argv)},
                "score": {"profile": task.score_profile, "argv": list(task.score_argv)},
                "outputs": {
                    "max": f"{task.output_limit // factories.MIB}M",
                    "files": task.output_files,
                    "required": list(task.required_outputs),
                },
            }
        },
        "phases": [_phase(phase, task.slug) for phase in digits.phases.values()],
        "leaderboard": {
            "columns": [
                {
                    "key": column.key,
                    "title": column.title,
                    "sort": column.sort.value,
                    "precision": column.precision,
                    "min": column.minimum,
                    "max": column.maximum,
                    "primary": column.is_primary,
                    "private": column.private,
                }
                for column in digits.columns
            ]
        },
    }
    return settings | values


def _phase(phase: Phase, task: str) -> dict[str, Any]:
    limits = {name: getattr(phase, name) for name in PhaseLimits.model_fields}
    return {
        "id": phase.slug,
        "title": phase.title,
        "start": phase.starts_at.isoformat(),
        "end": phase.ends_at.isoformat(),
        "tasks": [task],
        "kinds": list(phase.kinds),
        "limits": {name: value for name, value in limits.items() if value is not None},
        "leaderboard": phase.leaderboard.value,
        "failures": phase.failures.value,
    }


def add_revision(
    session: Session,
    digits: Digits,
    number: int,
    *,
    changed: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    by: Person | None = None,
    state: RevisionState = RevisionState.APPLIED,
    **words: Any,
) -> ChallengeRevision:
    """Add a revision with what ``changed`` has otherwise in challenge.yaml, and with other files."""
    slug = digits.challenge.slug
    return factories.add_revision(
        session,
        digits,
        number,
        settings=yaml.safe_dump(described(digits, **(changed or {})), sort_keys=False),
        # The digests are those of the images that the task has.
        files={
            "scorer.tar": f"scorer of {slug}".encode(),
            "base.tar": f"base of {slug}".encode(),
            **texts(),
            **(files or {}),
        },
        by=by,
        state=state,
        **words,
    )
