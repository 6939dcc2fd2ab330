"""Keeps what operators have approved, in files that the worker's account alone can write.

The web process writes to the database, so whoever takes it over could change there what a challenge runs.
The worker runs nothing that differs from these files: one per challenge, JSON, made by whoever adds it.

* ApprovalError   a file cannot be read; the sentence says what to do
"""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from portal.domain.challenges.task_approvals import Approval
from portal.domain.errors import OperatorError
from portal.domain.untrusted import Slug
from portal.files import atomic

_APPROVAL = TypeAdapter(Approval)


class ApprovalError(OperatorError):
    """An approval is missing, or was written by another release."""


class Approvals:
    """The approvals of a site, in one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, slug: Slug, approval: Approval) -> None:
        """Replace the approval of a challenge, whole or not at all."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)
        atomic.write(self._file(slug), _APPROVAL.dump_json(approval, indent=1) + b"\n")

    def get(self, slug: Slug) -> Approval:
        """Return the approval of a challenge. Raises ``ApprovalError``."""
        advice = f"look at it with 'sealrun challenge approve {slug}'"
        try:
            return self._read(self._file(slug))
        except FileNotFoundError:
            raise ApprovalError(f"nobody approved the challenge {slug}: {advice}") from None
        except ValidationError:
            raise ApprovalError(
                f"the approval of {slug} was written by another release: {advice}"
            ) from None

    def bases(self) -> set[str]:
        """Return the digests of all images that some approved task lets code be laid over."""
        found = set()
        for file in self._root.glob("*.json"):
            try:
                found |= {task.base for task in self._read(file).tasks.values() if task.base}
            except ValidationError:  # of another challenge, which is not run either
                continue
        return found

    def _read(self, file: Path) -> Approval:
        return _APPROVAL.validate_json(file.read_bytes(), extra="forbid")

    def _file(self, slug: Slug) -> Path:
        return self._root / f"{slug}.json"
