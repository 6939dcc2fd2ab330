"""E-mail addresses: which of what a provider says are used, and what one has to look like."""

import re
from collections.abc import Mapping

MAX_ADDRESS_CHARS = 254
MAX_LOCAL_CHARS = 64

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?P<local>[A-Za-z0-9!#$%&'*+/=^_`{{|}}~.-]+)@{_LABEL}(?:\.{_LABEL})+", flags=re.ASCII
)


def is_address(text: object) -> bool:
    """Whether a text is one plain address: nothing in it could begin another one, or another line of a head."""
    if not isinstance(text, str) or len(text) > MAX_ADDRESS_CHARS:
        return False
    found = _ADDRESS.fullmatch(text)
    local = found["local"] if found else ""
    is_dotted_well = not local.startswith(".") and not local.endswith(".") and ".." not in local
    return 0 < len(local) <= MAX_LOCAL_CHARS and is_dotted_well


def address_of(claims: object) -> str | None:
    """Return the address that a provider gives of somebody, unless it says that it has not verified it.

    Many institutions say nothing of verification, as the address is theirs.
    """
    if not isinstance(claims, Mapping) or claims.get("email_verified", True) not in (True, "true"):
        return None
    address = claims.get("email")
    return str(address) if is_address(address) else None
