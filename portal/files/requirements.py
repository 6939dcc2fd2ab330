"""Reads the ``requirements.txt`` of a code submission: names and versions, and nothing that pip would fetch or run.

An option, a path, an address or another file in it would be an instruction to pip; they are refused with
their line. So are lines that are no requirement.
"""

import tarfile
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from portal.files.errors import BadArchive, shown

NAME = "requirements.txt"
LIMIT = 64 * 1024
"""Bytes that the file may have."""
LINES = 1000
"""Requirements that it may have."""
OTHERS = ("environment.yml", "environment.yaml", "apt.txt")
"""Files with which Binder would install something; whoever hands one in alone expects the same here."""


def asks_for_packages(packed: Path) -> bool:
    """Tell whether the plain tar that was made of an upload has a ``requirements.txt`` to install.

    Raises ``BadArchive`` where it cannot be taken, or where the upload describes its environment otherwise.
    """
    with tarfile.open(packed, "r:") as archive:
        names = {member.name: member for member in archive}
        if member := names.get(NAME):
            content = archive.extractfile(member)
            return bool(content and read_requirements(content.read(LIMIT + 1)))
    if other := next((name for name in OTHERS if name in names), None):
        raise _bad(f"{other} is not used here. Name the Python packages in {NAME} instead.")
    return False


def read_requirements(content: bytes) -> list[Requirement]:
    """Return what the file asks for; raise ``BadArchive`` naming the first line that cannot be taken."""
    if len(content) > LIMIT:
        raise _bad(f"requirements.txt is larger than {LIMIT} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("requirements.txt is not in UTF-8.") from None
    found = [
        _requirement(number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.split("#", 1)[0].strip()
    ]
    if len(found) > LINES:
        raise _bad(f"requirements.txt asks for more than {LINES} packages.")
    return found


def _requirement(number: int, line: str) -> Requirement:
    # pip takes a comment after a blank only; a hash in an address is refused with the address.
    asked = line.split(" #", 1)[0].split("\t#", 1)[0].strip()
    if asked.startswith("-"):
        raise _at(number, asked, "Options are not taken: only names and versions of packages.")
    try:
        requirement = Requirement(asked)
    except InvalidRequirement:
        raise _at(number, asked, "Write a name and versions, as in: numpy>=1.26,<3") from None
    if requirement.url:
        raise _at(
            number, asked, "Addresses are not taken: only what this site offers is installed."
        )
    return requirement


def _at(number: int, line: str, advice: str) -> BadArchive:
    return _bad(f"Line {number} of requirements.txt, {shown(line)}, cannot be taken. {advice}")


def _bad(sentence: str) -> BadArchive:
    return BadArchive("requirements", sentence)
