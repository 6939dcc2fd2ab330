"""What an identity provider says of somebody, and the rules that a site makes of it."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.domain.accounts.provider_claims import SEMICOLON_SEPARATED
from portal.domain.printable import is_printable

MAX_NAME_CHARS = 120

PROTOCOL_CLAIMS = frozenset(
    {"aud", "azp", "at_hash", "c_hash", "exp", "iat", "nbf", "nonce", "jti", "sid", "s_hash"}
)
"""Claims about the token rather than the person; they are not kept."""

MAX_UNIQUE_ID_CHARS = 300
MAX_AFFILIATIONS = 5
MAX_ACR_CHARS = 200
"""Letters that the database has room for."""

_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Fillers, joiners and selectors of variants that are letters or marks to Unicode, and that nobody sees."""

LARGEST_NUMBER = 2**53
"""Beyond it a number in JSON is no longer exact, and says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who logged in: an account is (issuer, subject), never an e-mail address.

    ``claims`` are as ``claim_aliases.normalize_claims`` returns them.
    """

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
    def unique_id(self) -> str | None:
        """Return what tells the person apart across providers, if this one says it."""
        return _plain_line(self.claims, "unique_id", MAX_UNIQUE_ID_CHARS) or None

    @property
    def acr(self) -> str:
        """Return how the provider made sure of this login; empty: it does not say."""
        return _plain_line(self.claims, "acr", MAX_ACR_CHARS)

    @property
    def kept(self) -> dict[str, object]:
        """Return the claims that say something of the person."""
        return {key: value for key, value in self.claims.items() if key not in PROTOCOL_CLAIMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSays:
    """What a login says of somebody to those who decide about them. What it does not say is empty."""

    name: str = ""
    affiliation: tuple[str, ...] = ()
    identity_provider: str = ""
    """The institution behind a federation's provider, as that one names it."""
    issuer: str = ""


def login_says(issuer: str, claims: object) -> LoginSays:
    """Return what the claims of a login say of somebody; nothing is made up for what they lack."""
    if not isinstance(claims, Mapping):
        return LoginSays(issuer=issuer)
    affiliation = (clean_name(one) for one in values(claims, "affiliation"))
    return LoginSays(
        name=clean_name(claims.get("name")),
        affiliation=tuple(one for one in affiliation if one)[:MAX_AFFILIATIONS],
        identity_provider=clean_name(next(iter(values(claims, "identity_provider")), "")),
        issuer=issuer,
    )


Rule = Mapping[str, tuple[str, ...]]
"""For each claim the values of which it must have one.

A claim is one of the portal's own names, any other claim, or a path into one such as
``realm_access.roles``. A value may be ``member@*`` or ``*@uni.example``.
"""


def holds(claims: Mapping[str, object], rule: Rule) -> bool:
    """Whether every claim of the rule has one of its values, alone or in a list.

    A claim that is missing is absent, not empty: it holds nothing. An empty rule holds for nobody.
    """
    return bool(rule) and missing(claims, rule) is None


def missing(claims: Mapping[str, object], rule: Rule) -> str | None:
    """Return the first claim of the rule that has none of its values; None if all have one."""
    return next((key for key, wanted in rule.items() if not _has(claims, key, wanted)), None)


def values(claims: Mapping[str, object], name: str, *, splits: bool = False) -> tuple[str, ...]:
    """Return the values of a claim as text; none where it is absent, null, or made of objects.

    ``splits`` says that ``;`` separates values in it, as it does in the claims known for that.
    """
    if name == "email" and claims.get("email_verified") is not True:
        # Whoever could write it there themselves would be whoever they like.
        return ()
    return tuple(_texts(_found(claims, name), splits=splits or name in SEMICOLON_SEPARATED))


def is_kept_back(claims: Mapping[str, object], name: str) -> bool:
    """Whether the provider has the claim, and did not send it because there was too much of it.

    Microsoft Entra does so with the groups of somebody who is in more than 200.
    """
    elsewhere = claims.get("_claim_names")
    return name not in claims and isinstance(elsewhere, Mapping) and name in elsewhere


def is_scoped(value: str) -> bool:
    """Whether a value has one ``@`` with something on both sides."""
    return bool(_halves(value)[1])


def clean_name(raw: object) -> str:
    """Return a name on one line without control, format, private and invisible characters, in NFC."""
    if not isinstance(raw, str):
        return ""
    plain = "".join(c if _is_plain(c) else " " for c in unicodedata.normalize("NFC", raw))
    return " ".join(plain.split())[:MAX_NAME_CHARS].strip()


def _plain_line(claims: Mapping[str, object], name: str, longest: int) -> str:
    # Cut off or with letters that no database takes, it would be another's, or nobody's.
    text = next(iter(values(claims, name)), "")
    return text if len(text) <= longest and is_printable(text) else ""


def _is_plain(character: str) -> bool:
    # Cf holds the marks that reverse text: a name could otherwise redraw the row that it is in.
    # The others are drawn as nothing, or as a blank, and make two names that look the same.
    kind = unicodedata.category(character)
    return kind not in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} and character not in _BLANK


def _found(claims: Mapping[str, object], name: str) -> object:
    # Names of claims may have dots of their own: a URL, say. The name as a whole comes first.
    if name in claims or "." not in name:
        return claims.get(name)
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _texts(found: object, *, splits: bool) -> Iterator[str]:
    if isinstance(found, str):
        parts = found.split(";") if splits else ()
        yield from (text for text in (found.strip(), *(part.strip() for part in parts)) if text)
    elif isinstance(found, bool):
        yield str(found).lower()
    elif isinstance(found, int | float):
        if abs(found) <= LARGEST_NUMBER:
            yield str(found)
    elif isinstance(found, list | tuple):
        for one in found:
            if not isinstance(one, list | tuple):
                yield from _texts(one, splits=False)


def _has(claims: Mapping[str, object], name: str, wanted: tuple[str, ...]) -> bool:
    said = values(claims, name)
    if name == "domain":
        # Host names have no case.
        said, wanted = tuple(map(str.lower, said)), tuple(map(str.lower, wanted))
    return any(_matches(value, wish) for wish in wanted for value in said)


def _matches(value: str, wish: str) -> bool:
    """Compare exactly; of ``member@uni.example`` the scope is compared without case."""
    if value == wish:
        return True
    own, scope = _halves(value)
    wanted, wanted_scope = _halves(wish)
    if not scope or not wanted_scope:
        return False
    return wanted in {"*", own} and wanted_scope.lower() in {"*", scope.lower()}


def _halves(text: str) -> tuple[str, str]:
    own, _, scope = text.partition("@")
    # With a second @ nobody can say where the scope begins.
    return (own, scope) if own and scope and "@" not in scope else ("", "")
