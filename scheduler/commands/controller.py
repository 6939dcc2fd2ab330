"""Ask the controller for its configuration: release and time-outs."""

import re
from dataclasses import dataclass
from datetime import timedelta

from scheduler.errors import UnexpectedAnswerError

_SETTING = re.compile(r"^(?P<key>\w+)\s*=\s(?P<value>.*?)\s*$", re.MULTILINE)
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?(?:[-\w.]*)", re.ASCII)
_SECONDS = re.compile(r"(\d{1,6}) sec", re.ASCII)

NIL_SINCE = (23, 2)
"""The first release line whose sbatch knows ``--export=NIL``; older ones read it as a variable's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What slurmctld says of itself."""

    version: str
    message_timeout: timedelta

    @property
    def export(self) -> str:
        """The value of ``--export`` that passes least of the caller's environment to the job."""
        match = _VERSION.match(self.version)
        release = (int(match[1]), int(match[2])) if match else (0, 0)
        return "NIL" if release >= NIL_SINCE else "NONE"


def controller_argv() -> list[str]:
    """Return the command; it fails when the controller does not answer."""
    return ["scontrol", "show", "config"]


def read_controller(stdout: bytes) -> Controller:
    """Return what the answer says. Raises ``UnexpectedAnswerError``."""
    settings = dict(_SETTING.findall(stdout.decode(errors="replace")))
    version = settings.get("SLURM_VERSION", "")
    if not _VERSION.fullmatch(version):
        raise UnexpectedAnswerError(
            f"no release in the controller's configuration: {version[:40]!r}"
        )
    seconds = _SECONDS.match(settings.get("MessageTimeout", ""))
    return Controller(
        version=version, message_timeout=timedelta(seconds=int(seconds[1]) if seconds else 10)
    )
