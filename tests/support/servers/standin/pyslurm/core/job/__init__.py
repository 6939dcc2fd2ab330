from .job import Job, Jobs
from .submission import JobSubmitDescription

__all__ = ["Job", "JobSubmitDescription", "Jobs"]
