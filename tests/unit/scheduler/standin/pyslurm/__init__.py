"""Stands in for pyslurm 25.11, which cannot be built here: the names and habits that the child uses.

Its cluster is a file of JSON (``STANDIN``) that the test reads and changes. ``mode`` in it makes the
library misbehave in the next call of ``when``, as a C library inside Python can.
"""

import json
import os
import signal
import time
from pathlib import Path

STATE = Path(os.environ["STANDIN"])
SUBMISSION = {
    "name",
    "partitions",
    "nodes",
    "ntasks",
    "cpus_per_task",
    "memory_per_node",
    "time_limit",
    "working_directory",
    "standard_input",
    "standard_output",
    "standard_error",
    "log_files_open_mode",
    "is_requeueable",
    "kill_on_invalid_dependency",
    "environment",
    "account",
    "qos",
    "comment",
    "gres_per_node",
    "script",
}


class RPCError(Exception):
    def __init__(self, errno, msg):
        super().__init__(msg)
        self.errno, self.msg = errno, msg


def version():
    return "25.11.2"


def read():
    return json.loads(STATE.read_text())


def write(state):
    STATE.with_suffix(".new").write_text(json.dumps(state))
    STATE.with_suffix(".new").replace(STATE)


def misbehave(when):
    state = read()
    state["calls"].append(when)
    mode = state["mode"] if state["when"] == when else ""
    write(state)
    if mode == "hang":
        time.sleep(60)
    elif mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif mode == "exit":
        os._exit(3)
    elif mode == "print":
        os.write(1, b"slurm_load_jobs: a word of the library\n")
        print("and one of Python")  # noqa: T201
    elif mode == "odd":
        raise RuntimeError("something else than an RPCError")
    elif mode == "down":
        raise RPCError(1, "Unable to contact slurm controller (connect failure)")


class JobSubmitDescription:
    def __init__(self, **attributes):
        unknown = set(attributes) - SUBMISSION
        assert not unknown, unknown
        self.attributes = attributes

    def submit(self):
        misbehave("before submit")
        given = dict(self.attributes)
        given["script"] = Path(given["script"]).read_text()
        # What pyslurm does with these would not be what was meant.
        assert given["environment"], "it would hand on all of its own environment"
        assert type(given["time_limit"]) is int, "it takes a text of digits and cannot convert it"
        state = read()
        for key, known, sentence in (
            ("partitions", ["build"], "Invalid partition name specified"),
            (
                "account",
                "challenges",
                "Invalid account or account/partition combination specified",
            ),
        ):
            if given.get(key) != known:
                raise RPCError(2000, sentence)
        state["ids"] += 1
        state["jobs"].append(
            {
                "id": state["ids"],
                "name": given["name"],
                "user_id": os.getuid(),
                "cluster": "standin",
                "state": "PENDING",
                "state_reason": "Priority",
                "exit_code": 0,
                "exit_code_signal": 0,
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


class Job:
    def __init__(self, facts):
        self.__dict__ |= facts
        self.allocated_nodes = self.nodelist = facts["nodes"]

    def cancel(self):
        misbehave("cancel")
        state = read()
        for job in state["jobs"]:
            if job["id"] == self.id and job["state"] in {"PENDING", "RUNNING"}:
                job |= {"state": "CANCELLED", "end_time": int(time.time())}
        write(state)


class Jobs(dict):
    @staticmethod
    def load():
        misbehave("queue")
        state = read()
        return Jobs({job["id"]: Job(job) for job in state["jobs"] if not job.get("left")})


class slurmctld:  # noqa: N801
    class Config:
        version = "25.11.2"
        message_timeout = 12

        @classmethod
        def load(cls):
            misbehave("config")
            return cls()


if read()["mode"] == "import":
    raise ImportError("libslurmfull.so: cannot open shared object file")
