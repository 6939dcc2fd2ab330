"""A worker that asks the cluster in every pass, for tests that count passes rather than seconds."""

import itertools

from portal.worker.polling import Pace, PollSchedule


def eager() -> PollSchedule:
    """Return a pacer for whom a long time has gone by whenever it looks at its clock."""
    return PollSchedule(Pace(), clock=itertools.count(0.0, 1000.0).__next__)
