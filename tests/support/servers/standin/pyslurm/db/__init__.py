"""Accounting of the stand-in: it knows every job, also those that have left the queue."""

from .job import Job, JobFilter, Jobs

__all__ = ["Job", "JobFilter", "Jobs"]
