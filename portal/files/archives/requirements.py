"""Reads the ``requirements.txt`` of a code submission: names and versions, and nothing that pip would fetch or run.

pip obeys much that a list of packages need not hold: options, which it looks for even inside of markers; addresses,
paths and names of files; ``${VARIABLES}``; lines that go on; a comment that says in which coding all of it
is. So pip never sees the team's file. It is handed ``canonical`` text, written from what was understood here.
"""

import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from portal.files.errors import BadArchiveError, shown

NAME = "requirements.txt"
MAX_BYTES = 64 * 1024
"""Bytes that the file may have."""
MAX_REQUIREMENTS = 1000
"""Packages that it may name."""
MAX_LINE_CHARS = 1000
"""Characters that one requirement may have."""
MAX_NESTING = 20
"""Parentheses that one may open: the library's reader descends into them one by one."""
OTHERS = ("environment.yml", "environment.yaml", "apt.txt")
"""Files with which Binder would install something; whoever submits one alone expects the same here."""

# Where Python's splitlines, and with it pip, begins a new line although no editor shows one.
_HIDDEN_BREAKS = re.compile("[\x00\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# As pip looks for it: in comments of the first two lines (PEP 263).
_CODING = re.compile(r"#.*coding[:=]\s*([-\w.]+)")
_OWN_CODINGS = {"utf8", "ascii", "usascii"}
# Everything that requirements need. A backslash, "$", "#", "/" or ":" would mean something else to pip.
_PLAIN = re.compile(r"""[A-Za-z0-9 \t._,;<>=!~+*()\[\]"'-]*""")
_STRINGS = re.compile(r""""[^"']*"|'[^"']*'""")
_OPTION = re.compile(r"(^|[\s\"'])-")
# pip takes a name with such an end for a file's.
_ARCHIVE = re.compile(r"\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lz|lzma))$", re.IGNORECASE)

_ADDRESS = "Addresses are not taken: only what this site offers is installed."
_OPTIONS = "Options and hashes are not taken: only names and versions of packages."
_REQUIREMENT = "Write a name and versions, as in: numpy>=1.26,<3"


def requirements_to_install(packed: Path) -> str:
    """Return for pip what the plain tar that was made of an upload asks for; empty if it asks for nothing.

    Raises ``BadArchiveError`` where it cannot be taken, or where the upload describes its environment otherwise.
    """
    with tarfile.open(packed, "r:") as archive:
        names = {member.name: member for member in archive}
        if member := names.get(NAME):
            content = archive.extractfile(member)
            return canonical(read_requirements(content.read(MAX_BYTES + 1))) if content else ""
    if other := next((name for name in OTHERS if name in names), None):
        raise _bad(f"{other} is not used here. Name the Python packages in {NAME} instead.")
    return ""


def canonical(requirements: Iterable[Requirement]) -> str:
    """Return the text of a file that means the same to pip as to us: one requirement a line, in ASCII."""
    return "".join(f"{requirement}\n" for requirement in requirements)


def read_requirements(content: bytes) -> list[Requirement]:
    """Return what the file asks for; raise ``BadArchiveError`` naming the first line that cannot be taken."""
    if len(content) > MAX_BYTES:
        raise _bad(f"requirements.txt is larger than {MAX_BYTES} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("requirements.txt is not in UTF-8.") from None
    lines = text.replace("\r\n", "\n").split("\n")
    _check_coding(lines[:2])
    found = [
        requirement
        for number, line in enumerate(lines, start=1)
        if (requirement := _requirement(number, line)) is not None
    ]
    if len(found) > MAX_REQUIREMENTS:
        raise _bad(f"requirements.txt asks for more than {MAX_REQUIREMENTS} packages.")
    return found


def _check_coding(lines: Iterable[str]) -> None:
    """Refuse a file that says it is to be read otherwise than we do."""
    for number, line in enumerate(lines, start=1):
        coding = _CODING.match(line)
        if coding and re.sub("[-_.]", "", coding[1].lower()) not in _OWN_CODINGS:
            raise _at(number, line, "Write the file in UTF-8, and leave this comment out.")


def _requirement(number: int, line: str) -> Requirement | None:
    if _HIDDEN_BREAKS.search(line):
        raise _at(number, line, "It holds a character that cannot be seen and breaks the line.")
    # pip takes a comment after a blank only; a hash in an address is refused with the address.
    asked = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
    if not asked:
        return None
    if len(asked) > MAX_LINE_CHARS or asked.count("(") > MAX_NESTING:
        raise _at(number, asked, "It is too long, or has too many parentheses.")
    if _OPTION.search(asked):
        raise _at(number, asked, _OPTIONS)
    return _parsed(number, asked)


def _parsed(number: int, asked: str) -> Requirement:
    try:
        requirement = Requirement(asked)
    except InvalidRequirement:
        raise _at(number, asked, _REQUIREMENT) from None
    except Exception:  # noqa: BLE001 - whatever a parser fails with on a foreign line is that line's fault
        raise _at(number, asked, "It cannot be read.") from None
    if requirement.url:
        raise _at(number, asked, _ADDRESS)
    if any(wanted.operator == "===" for wanted in requirement.specifier):
        raise _at(number, asked, "Write == instead of ===, which takes anything for a version.")
    if not (_is_plain(asked) and _is_plain(str(requirement))):
        raise _at(number, asked, "Write it with plain letters, digits and quotes only.")
    if _ARCHIVE.search(requirement.name):
        raise _at(number, asked, "It looks like the name of a file. Name the package.")
    return requirement


def _is_plain(text: str) -> bool:
    """Tell whether a requirement holds nothing that pip would read as something else than a requirement.

    pip looks for options behind every blank, also inside a string, and the library writes strings in
    double quotes whatever they hold.
    """
    has_loose_quotes = bool(re.search("[\"']", _STRINGS.sub("", text)))
    return bool(_PLAIN.fullmatch(text)) and not has_loose_quotes and not _OPTION.search(text)


def _at(number: int, line: str, advice: str) -> BadArchiveError:
    return _bad(f"Line {number} of requirements.txt, {shown(line)}, cannot be taken. {advice}")


def _bad(message: str) -> BadArchiveError:
    return BadArchiveError("requirements", message)
