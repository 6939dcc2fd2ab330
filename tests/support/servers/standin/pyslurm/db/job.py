from pyslurm._cluster import misbehave, only_its_own, read
from pyslurm.core.job.job import FACTS
from pyslurm.utils.helpers import _get_exit_code


class JobFilter:
    def __init__(self, **attributes):
        only_its_own("pyslurm.db.job.JobFilter", attributes)
        self.__dict__ |= attributes


class Job:
    def __init__(self, facts):
        self.__dict__ |= {name: facts[name] for name in FACTS} | {"nodelist": facts["nodes"]}
        only_its_own("pyslurm.db.job.Job", self.__dict__)
        self._status = facts["status"]

    @property
    def exit_code(self):
        return _get_exit_code(self._status)[0]

    @property
    def exit_code_signal(self):
        return _get_exit_code(self._status)[1]


class Jobs(dict):
    @staticmethod
    def load(db_filter):
        misbehave("accounting")
        return Jobs(
            {
                job["id"]: Job(job)
                for job in read()["jobs"]
                if job["name"] in db_filter.names and job["submit_time"] >= db_filter.start_time
            }
        )
