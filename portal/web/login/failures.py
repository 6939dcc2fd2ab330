"""How a login can go wrong: a sentence for the person, and a reason for the log."""

from collections.abc import Mapping

from portal.domain.accounts.gates import Closed


class LoginError(Exception):
    """The login did not work; ``sentence`` says so to the person, ``reason`` to the log.

    ``detail`` is for the log only: what an operator needs to find the fault, and no claim's value.
    ``closed`` is the gate that did not open, if that is what happened.
    """

    def __init__(self, reason: str, *, closed: Closed | None = None, **detail: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status, self.message = WORDS.get(reason, (400, UNTRUSTED))
        self.closed = closed
        self.detail = detail


UNREACHABLE = "The login service of your institution does not answer. Try again in a few minutes."
EXPIRED = (
    "This login was begun in another window, took too long, or has already been used. "
    "Please start again."
)
DENIED = "The login was not completed: your institution's login service or you yourself declined."
UNTRUSTED = "The answer of the login service could not be trusted, so nobody was logged in."
MISPLACED = (
    "The answer came from another login service than the one that you chose, so nobody was logged"
    " in. Please start again, and choose your own institution."
)
CLOCKS = (
    "The login service's clock and this site's do not agree, so nobody was logged in. "
    "Try again; if it happens again, tell the support of this site."
)
WEAK = (
    "Your institution did not confirm the login as strongly as this site asks for. "
    "Log in again with a second factor."
)
MISDESCRIBED = (
    "The login service of your institution has changed in a way that this site does not trust. "
    "The support of this site has to look at it."
)
SOMEBODY_ELSE = (
    "You wanted to add a login to an account, but somebody else is logged in here now, "
    "or nobody is. Log in as yourself and start again."
)

NOT_ADMITTED = (
    "Your institution confirmed who you are, but not what this site asks for. "
    "It may be missing, or your institution may not pass it on."
)

WORDS: Mapping[str, tuple[int, str]] = {
    "state": (400, EXPIRED),
    "too_late": (400, EXPIRED),
    "code_refused": (400, EXPIRED),
    "declined": (403, DENIED),
    "another_provider": (400, MISPLACED),
    "answer_of_another_issuer": (400, MISPLACED),
    "answer_without_issuer": (400, MISPLACED),
    "token_expired": (400, CLOCKS),
    "token_too_early": (400, CLOCKS),
    "acr_missing": (403, WEAK),
    "acr_too_weak": (403, WEAK),
    "discovery_unreachable": (503, UNREACHABLE),
    "discovery_misnamed": (503, MISDESCRIBED),
    "discovery_unsafe": (503, MISDESCRIBED),
    "discovery_moved": (503, MISDESCRIBED),
    "keys_unreachable": (503, UNREACHABLE),
    "token_unreachable": (503, UNREACHABLE),
    "userinfo_unreachable": (503, UNREACHABLE),
    "claim_missing": (403, NOT_ADMITTED),
    "claim_kept_back": (403, NOT_ADMITTED),
    "link_of_somebody_else": (403, SOMEBODY_ELSE),
}
"""For each reason the status and the sentence; for all others the answer was not to be trusted."""
