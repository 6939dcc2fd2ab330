"""What an identity provider says of somebody, and the rules that a site makes of it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_NAME = 120

PROTOCOL_CLAIMS = frozenset(
    {"aud", "azp", "at_hash", "c_hash", "exp", "iat", "nbf", "nonce", "jti", "sid", "s_hash"}
)
"""Claims about the token rather than the person; they are not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who logged in: an account is (issuer, subject), never an e-mail address."""

    issuer: str
    subject: str
    claims: Mapping[str, object]

    @property
    def name(self) -> str:
        """Return what to call the person."""
        for claim in ("name", "preferred_username"):
            if name := clean_name(self.claims.get(claim)):
                return name
        return clean_name(self.subject) or "Unnamed"

    @property
    def kept(self) -> dict[str, object]:
        """Return the claims that say something of the person."""
        return {key: value for key, value in self.claims.items() if key not in PROTOCOL_CLAIMS}


Rule = Mapping[str, tuple[str, ...]]
"""For each claim the values of which it must have one."""


def holds(claims: Mapping[str, object], rule: Rule) -> bool:
    """Whether every claim of the rule has one of its values, alone or in a list.

    A claim that is missing is absent, not empty: it holds nothing. An empty rule holds for nobody.
    """
    return bool(rule) and all(_has(claims.get(key), values) for key, values in rule.items())


def clean_name(raw: object) -> str:
    """Return a name on one line without control, format and private characters."""
    if not isinstance(raw, str):
        return ""
    plain = "".join(c if _is_plain(c) else " " for c in raw)
    return " ".join(plain.split())[:LONGEST_NAME].strip()


def _is_plain(character: str) -> bool:
    # Cf holds the marks that reverse text: a name could otherwise redraw the row that it is in.
    return unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def _has(claim: object, values: tuple[str, ...]) -> bool:
    said = claim if isinstance(claim, list | tuple) else (claim,)
    return any(value in said for value in values)
