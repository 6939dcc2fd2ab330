"""The cluster of the pyslurm that stands in: a file that the test and the child share."""

import json
import re
import time
from pathlib import Path
from typing import Any

from scheduler.pyslurm.child import PyslurmChild

STANDIN = Path(__file__).parent / "standin"
TREE = Path(__file__).parents[3]


class StandinCluster:
    """Reads and changes what the child's pyslurm sees."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "cluster.json"
        self._write({"ids": 0, "jobs": [], "calls": [], "mode": "", "when": ""})

    def child(self, **more: Any) -> PyslurmChild:
        """Return a child that runs the stand-in."""
        environment = {"PYTHONPATH": f"{STANDIN}:{TREE}", "STANDIN": str(self._file)}
        return PyslurmChild(environment=environment | {"PYTHONDONTWRITEBYTECODE": "1"}, **more)

    def misbehave(self, mode: str, when: str = "") -> None:
        """Let the library do ``mode`` in every call of ``when``."""
        self._write(self._read() | {"mode": mode, "when": when})

    @property
    def calls(self) -> list[str]:
        return self._read()["calls"]

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return self._read()["jobs"]

    def change(self, **facts: Any) -> None:
        """Change all jobs; ``exit_code`` and ``exit_code_signal`` become a wait status, as Slurm keeps it."""
        state = self._read()
        if "exit_code" in facts or "exit_code_signal" in facts:
            facts["status"] = (facts.pop("exit_code", 0) << 8) | facts.pop("exit_code_signal", 0)
        state["jobs"] = [job | facts for job in state["jobs"]]
        self._write(state)

    def advance(self) -> None:
        """Take every job one step: waiting, running, ended with what its script's ``exit`` says."""
        state, now = self._read(), int(time.time())
        for job in state["jobs"]:
            if job["state"] == "PENDING":
                job |= {"state": "RUNNING", "state_reason": "None", "start_time": now}
                job |= {"nodes": "n1", "end_time": now + 60}
            elif job["state"] == "RUNNING":
                match = re.search(r"exit (\d+)", job["given"]["script"])
                code = int(match[1]) if match else 0
                job |= {"state": "FAILED" if code else "COMPLETED", "end_time": now}
                job |= {"status": code << 8}
        self._write(state)

    def _read(self) -> dict[str, Any]:
        return json.loads(self._file.read_text())

    def _write(self, state: dict[str, Any]) -> None:
        new = self._file.with_suffix(".test")
        new.write_text(json.dumps(state))
        new.replace(self._file)
