"""The fenced blocks of a document, with the headings that they stand under."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
_ACCOUNT = re.compile(r"\bAs (?:(?P<root>root)\b|`(?P<name>[\w-]+)`)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    heading: str
    language: str
    """Empty for what is typed into a shell, or printed by one."""
    text: str
    before: str
    """The paragraph that leads to it."""

    @property
    def account(self) -> str:
        """Return who types it: ``root`` or an account, as the paragraph before it says; empty where it does not."""
        found = _ACCOUNT.search(self.before)
        return (found["root"] or found["name"]) if found else ""


def blocks_of(document: Path) -> list[Block]:
    """Return all blocks in their order."""
    blocks: list[Block] = []
    heading, before, language, lines, goes_on = "", "", None, [], False
    for line in document.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if language is not None:
            if fence:
                text = "\n".join(lines) + "\n"
                blocks.append(Block(heading=heading, language=language, text=text, before=before))
                language = None
            else:
                lines.append(line)
        elif fence:
            language, lines = fence["language"], []
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif line.strip():
            before = f"{before} {line.strip()}" if goes_on else line.strip()
        goes_on = language is None and bool(line.strip()) and not fence
    return blocks
