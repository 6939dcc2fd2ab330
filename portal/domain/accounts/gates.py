"""Rules over claims that decide who gets in, and what a refusal says to whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.domain.accounts.claims import Rule, is_kept_back, missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What somebody's login has to say of them: at the site's door, or at a challenge's."""

    title: str
    """The rule in words, for the person: ``Members of a university``."""
    claims: Rule
    """All of them count."""
    ask: str = ""
    """Whom to ask about it; empty: the site's support."""

    @property
    def acr(self) -> tuple[str, ...]:
        """Return the values of ``acr`` of which one is asked for, if any: a second factor."""
        return self.claims.get("acr", ())

    def as_json(self) -> dict[str, Any]:
        """Return plain values to be stored."""
        return {
            "title": self.title,
            "claims": {claim: list(values) for claim, values in self.claims.items()},
            "ask": self.ask,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A gate that did not open, and why: the reason is for the operator's log only."""

    gate: Gate
    claim: str
    wanted: tuple[str, ...]
    is_kept_back: bool = False
    """Whether the provider has the claim and did not send it because there was too much of it."""

    @property
    def needs_stronger_login(self) -> bool:
        """Whether the person can open it by logging in with a second factor."""
        return self.claim == "acr"


def gate_from_json(stored: Mapping[str, Any]) -> Gate | None:
    """Return a stored gate; None where there is none."""
    if not stored:
        return None
    claims = {claim: tuple(values) for claim, values in stored["claims"].items()}
    return Gate(title=stored["title"], claims=claims, ask=stored["ask"])


def first_closed(gates: Iterable[Gate], claims: Mapping[str, object]) -> Closed | None:
    """Return the first gate that these claims do not open; None if all of them are open."""
    for gate in gates:
        if (claim := missing(claims, gate.claims)) is not None:
            return Closed(
                gate=gate,
                claim=claim,
                wanted=gate.claims.get(claim, ()),
                is_kept_back=is_kept_back(claims, claim.partition(".")[0])
                or (claim == "group" and is_kept_back(claims, "groups")),
            )
    return None


def wanted_acr(gates: Iterable[Gate]) -> tuple[str, ...]:
    """Return how a login has to be made sure of, to be asked of the provider; best first."""
    return tuple(dict.fromkeys(value for gate in gates for value in gate.acr))
