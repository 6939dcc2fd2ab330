"""The portal's own names for claims, put in place of the many that providers have for them."""

from collections.abc import Iterable, Iterator, Mapping

from portal.domain.accounts.claims import is_scoped, values
from portal.domain.accounts.provider_claims import ALIASES, MULTIVALUED, SCOPED


def normalize_claims(raw: Mapping[str, object], overrides: Mapping[str, str]) -> dict[str, object]:
    """Return a provider's claims, with the portal's own names for those that it has one name for.

    ``overrides`` are the claims that the site's settings name for this provider: each is then read from
    there and nowhere else. One that no claim gives is absent, also where a claim of that name was.
    """
    claims = {name: value for name, value in raw.items() if value is not None}
    for name in ALIASES:
        found = _unique(_own(raw, name, overrides.get(name)))
        if found:
            claims[name] = found if name in MULTIVALUED else found[0]
        else:
            claims.pop(name, None)
    return claims


def _own(raw: Mapping[str, object], name: str, override: str | None) -> Iterator[str]:
    if override is not None:
        chosen = values(raw, override, splits=name in MULTIVALUED)
        yield from map(_domain, chosen) if name == "domain" else chosen
        return
    for known in ALIASES[name]:
        yield from values(raw, known)
    if name == "domain":
        for scoped in SCOPED:
            yield from (_domain(value) for value in values(raw, scoped) if is_scoped(value))
    if name == "unique_id":
        yield from _entra_id(raw)


def _domain(value: str) -> str:
    return value.rpartition("@")[2].lower()


def _entra_id(raw: Mapping[str, object]) -> Iterator[str]:
    # An object is known in its tenant only.
    person, tenant = values(raw, "oid"), values(raw, "tid")
    if len(person) == len(tenant) == 1:
        yield f"{person[0]}@{tenant[0]}"


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
