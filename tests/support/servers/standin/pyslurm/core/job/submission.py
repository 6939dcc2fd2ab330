import os
import time
from pathlib import Path

from pyslurm._cluster import misbehave, only_its_own, read, write
from pyslurm.core.error import RPCError


class JobSubmitDescription:
    def __init__(self, **attributes):
        only_its_own("pyslurm.core.job.submission.JobSubmitDescription", attributes)
        self.__dict__ |= attributes

    def submit(self):
        given = dict(self.__dict__)
        given["script"] = Path(given["script"]).read_text()
        # What pyslurm does with these would not be what was meant.
        assert given["environment"], "it would hand on all of its own environment"
        assert type(given["time_limit"]) is int, "it takes a text of digits and cannot convert it"
        if "\0" in given["script"]:
            raise ValueError(
                "The Slurm Controller does not allow scripts that contain a NULL character"
            )
        if given["cpus_per_task"] > 0xFFFF:
            raise OverflowError("value too large to convert to uint16_t")
        for part in given.get("gres_per_node", "").split(","):
            if part.count(":") > 2:
                raise ValueError(f"Invalid specifier: '{part.rpartition(':')[0]}'")
        misbehave("before submit")
        state = read()
        for key, known, message in (
            ("partitions", ["build"], "Invalid partition name specified"),
            (
                "account",
                "challenges",
                "Invalid account or account/partition combination specified",
            ),
        ):
            if given.get(key) != known:
                raise RPCError(2000, message)
        state["ids"] += 1
        state["jobs"].append(
            {
                "id": state["ids"],
                "name": given["name"],
                "user_id": os.getuid(),
                "cluster": "standin",
                "state": "PENDING",
                "state_reason": "Priority",
                "status": 0,
                "submit_time": int(time.time()),
                "start_time": int(time.time()) + 3600,
                "end_time": None,
                "nodes": None,
                "given": given,
            }
        )
        write(state)
        misbehave("after submit")
        return state["ids"]
