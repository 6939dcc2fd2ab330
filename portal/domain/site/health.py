"""Whether something that the portal depends on is alive."""

from enum import StrEnum


class Vital(StrEnum):
    """How a worker, or the cluster that it drives, was found."""

    ALIVE = "alive"
    SILENT = "silent"
    UNKNOWN = "unknown"  #: nobody is there who could tell
