"""Stands in for pyslurm 25.11, which cannot be built here: the names and habits that the child uses.

Its public names are among those of the real one; tests/unit/scheduler/pyslurm/test_names.py compares them.
"""

from pyslurm import db
from pyslurm._cluster import read
from pyslurm.core import slurmctld
from pyslurm.core.error import RPCError
from pyslurm.core.job import Job, Jobs, JobSubmitDescription

from .version import __version__

__all__ = [
    "Job",
    "JobSubmitDescription",
    "Jobs",
    "RPCError",
    "__version__",
    "db",
    "slurmctld",
]

if read()["mode"] == "import":
    raise ImportError("libslurmfull.so: cannot open shared object file")
