"""The versions of slurmrestd's API that we speak, and all that differs between them.

Two shapes exist. Version 0.0.38 of release 22.05 was written by hand; from 0.0.40 on, all are made by
Slurm's data parser. (0.0.39 is not spoken: each release that has it has 0.0.38 or 0.0.40 as well.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.errors import UnexpectedAnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One version of the API."""

    version: str
    is_parsed: bool
    """Whether it is one of the versions that the data parser makes."""

    @property
    def queue(self) -> str:
        """Path of the queue."""
        return f"/slurm/{self.version}/jobs/"

    @property
    def accounting(self) -> str:
        """Path of accounting's jobs."""
        return f"/slurmdb/{self.version}/jobs/"

    @property
    def submit(self) -> str:
        """Path to submit to."""
        return f"/slurm/{self.version}/job/submit"

    @property
    def ping(self) -> str:
        """Path of the controllers' sign of life."""
        return f"/slurm/{self.version}/ping/"

    def job(self, job_id: str) -> str:
        """Path of one job in the queue."""
        return f"/slurm/{self.version}/job/{job_id}"

    @property
    def accounting_filter(self) -> Mapping[str, str]:
        """What sacct calls --allocations and, where it can be said, --duplicates."""
        more = {"show_duplicates": "true"} if self.is_parsed else {}
        return {"skip_steps": "true"} | more

    @property
    def accounting_has_exit_codes(self) -> bool:
        """Whether accounting's exit codes are true. Measured on 22.05: ``exit 7`` is reported as 0."""
        return self.is_parsed

    def number(self, value: int) -> object:
        """Return ``value`` where a number may also be infinite."""
        if self.is_parsed:
            return {"set": True, "infinite": False, "number": value}
        return value

    def environment(self, variables: Mapping[str, str]) -> object:
        """Return a job's environment."""
        if self.is_parsed:
            return [f"{name}={value}" for name, value in variables.items()]
        return dict(variables)

    def shape(self, *, gres: str | None, exclusive: bool = False) -> dict[str, object]:
        """Return one node, truncated files, generic resources and sharing, whose names and types differ."""
        if not self.is_parsed:
            one: dict[str, object] = {"nodes": [1, 1], "open_mode": "truncate"}
            one |= {"exclusive": "exclusive"} if exclusive else {}
            return one | ({"gres": gres} if gres else {})
        one = {"nodes": "1", "minimum_nodes": 1, "maximum_nodes": 1, "open_mode": ["TRUNCATE"]}
        one |= {"shared": ["none"]} if exclusive else {}
        tres = ",".join(f"gres/{part}" for part in gres.split(",")) if gres else ""
        return one | ({"tres_per_node": tres} if tres else {})

    def request(self, job: dict[str, object], script: str) -> dict[str, object]:
        """Return the body that submits ``script`` with the properties ``job``."""
        return (
            {"job": job | {"script": script}} if self.is_parsed else {"job": job, "script": script}
        )


KNOWN = {
    version: Dialect(version=version, is_parsed=version != "v0.0.38")
    for version in (
        "v0.0.38",
        *(f"v0.0.{number}" for number in range(40, 47)),
    )
}
"""In the order of their age. Tried on real releases: 38 (22.05), 40 to 42 (24.11), 44 (25.11), 42 to 45 (26.05)."""

_SUBMIT = re.compile(r"/slurm/(v\d+\.\d+\.\d+)/job/submit", re.ASCII)


def choose_dialect(offer: Mapping[str, Any]) -> Dialect:
    """Return the newest version in ``offer``, an OpenAPI document, that we speak.

    It must be there with accounting. Raises ``UnexpectedAnswerError`` when there is none.
    """
    paths = offer.get("paths")
    if not isinstance(paths, Mapping):
        raise UnexpectedAnswerError("slurmrestd's description of itself names no paths")
    offered = {match[1] for path in paths if (match := _SUBMIT.fullmatch(str(path)))}
    queues = {str(path).rstrip("/") for path in paths}
    for dialect in reversed(KNOWN.values()):
        if dialect.version in offered and dialect.accounting.rstrip("/") in queues:
            return dialect
    raise UnexpectedAnswerError(
        f"slurmrestd offers {', '.join(sorted(offered)) or 'no version'} with jobs and accounting; "
        f"spoken here are {', '.join(KNOWN)}"
    )
