import time

from pyslurm._cluster import misbehave, only_its_own, read, write
from pyslurm.utils.helpers import _get_exit_code

FACTS = (
    "id",
    "name",
    "user_id",
    "cluster",
    "state",
    "state_reason",
    "submit_time",
    "start_time",
    "end_time",
)


class Job:
    def __init__(self, facts):
        self.__dict__ |= {name: facts[name] for name in FACTS} | {"allocated_nodes": facts["nodes"]}
        only_its_own("pyslurm.core.job.job.Job", self.__dict__)
        self._status = facts["status"]

    @property
    def exit_code(self):
        return _get_exit_code(self._status)[0]

    @property
    def exit_code_signal(self):
        return _get_exit_code(self._status)[1]

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
