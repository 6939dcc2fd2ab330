"""Who may do what. Every predicate of the portal is here, and the answer is no unless it says yes.

A browser acts with all scopes; a token with those that its owner gave it. Staff are staff in a
browser only: no token carries that.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from portal.domain.accounts.people import Actor, ActorKind
from portal.domain.accounts.tokens import Scope


class Audience(StrEnum):
    """For whom a leaderboard is."""

    PUBLIC = "public"
    PARTICIPANTS = "participants"
    OWN = "own"
    """Each team sees what stands for itself, and no rank."""
    ORGANISERS = "organisers"
    HIDDEN = "hidden"


class Readers(StrEnum):
    """For whom a page of the organisers, a picture or a file is."""

    EVERYBODY = "everybody"
    PARTICIPANTS = "participants"


class Role(StrEnum):
    """What somebody does for a challenge."""

    OWNER = "owner"
    """Names the others; there is always one, or else staff stand in."""
    ORGANISER = "organiser"
    """Co-organiser: does everything but name others."""
    REVIEWER = "reviewer"
    """Reads what is sealed, and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeRelation:
    """How an actor stands to one challenge."""

    published: bool
    """Whether people who do not work for it see it."""
    is_open: bool = True
    """Whether anybody can take part in it at all."""
    rests: bool = False
    """Whether it is archived."""
    owners: Collection[str] = ()
    organisers: Collection[str] = ()
    """Co-organisers; owners need not be among them."""
    reviewers: Collection[str] = ()
    participants: Collection[str] = ()
    """Members of its teams, but for those whom the organisers have put out."""
    banned: Collection[str] = ()
    """Whom its organisers let neither join nor submit."""


def may_use(actor: Actor, scope: Scope) -> bool:
    """Whoever is logged in, in a browser or with a token that has the scope."""
    return actor.is_known and actor.has_accepted and scope in actor.scopes


def may_change(relation: ChallengeRelation) -> bool:
    """Whether anybody changes anything of a challenge: an archive rests until it is taken back to closed."""
    return not relation.rests


def may_own(actor: Actor, relation: ChallengeRelation) -> bool:
    """Owners of the challenge, and staff."""
    return may_use(actor, Scope.ORGANISE) and (actor.is_staff or actor.person_id in relation.owners)


def may_organise(actor: Actor, relation: ChallengeRelation) -> bool:
    """Owners and co-organisers of the challenge, and staff."""
    return may_own(actor, relation) or (
        may_use(actor, Scope.ORGANISE) and actor.person_id in relation.organisers
    )


def may_announce(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge, whatever state it is in: what comes after its end is news as well."""
    return may_organise(actor, relation)


def may_send_circulars(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge, in a browser: no program writes mails to everybody."""
    return may_organise(actor, relation) and actor.kind is ActorKind.BROWSER


def may_review(actor: Actor, relation: ChallengeRelation) -> bool:
    """Reviewers of the challenge, and whoever organises it: they see what is sealed."""
    return may_organise(actor, relation) or (
        may_use(actor, Scope.ORGANISE) and actor.person_id in relation.reviewers
    )


def may_manage_participants(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge: admits, declines, removes and bans, and gets the list of participants."""
    return may_organise(actor, relation)


def may_read_log(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge: its part of the audit log names participants, whom reviewers do not see."""
    return may_organise(actor, relation)


def may_release_logs(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge, in a browser: reviewers read, and change nothing."""
    return may_organise(actor, relation) and actor.kind is ActorKind.BROWSER


def may_mark(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge: reviewers read, and change nothing."""
    return may_organise(actor, relation)


def may_admit_teams(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge lets teams into a phase that asks for it."""
    return may_organise(actor, relation)


def may_give_tries(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge: reviewers read, and change nothing."""
    return may_organise(actor, relation)


def may_try(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge makes dry runs: reviewers read what came of them."""
    return may_organise(actor, relation)


def may_accept_cheats(actor: Actor, relation: ChallengeRelation) -> bool:
    """Owners of the challenge, and staff: they say that what a cheat gains in a dry run is right."""
    return may_own(actor, relation)


def may_resolve(actor: Actor, relation: ChallengeRelation | None) -> bool:
    """Whoever organises the challenge, in a browser; of what is of no challenge, staff."""
    if actor.kind is not ActorKind.BROWSER:
        return False
    return may_see_staff_pages(actor) if relation is None else may_organise(actor, relation)


def may_see_challenge(actor: Actor, relation: ChallengeRelation) -> bool:
    """Everybody once it is published; before that whoever works for it."""
    return relation.published or may_review(actor, relation)


def may_read_inside(actor: Actor, relation: ChallengeRelation, *, is_admitted: bool) -> bool:
    """Whoever takes part or works for the challenge: what is for participants only."""
    if may_review(actor, relation):
        return True
    takes_part = is_admitted or actor.person_id in relation.participants
    return may_use(actor, Scope.READ) and takes_part and may_see_challenge(actor, relation)


def may_create_challenge(actor: Actor, *, everybody: bool) -> bool:
    """Staff; everybody who is logged in where the site says so."""
    return may_use(actor, Scope.ORGANISE) and (everybody or actor.is_staff)


def may_take_part(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever is logged in, sees the challenge and is not banned from it, until it is over.

    Its join policy comes on top of that.
    """
    return (
        may_use(actor, Scope.SUBMIT)
        and relation.is_open
        and actor.person_id not in relation.banned
        and may_see_challenge(actor, relation)
    )


def may_ask(actor: Actor, relation: ChallengeRelation, *, takes_part: bool) -> bool:
    """Whoever takes part and is not banned, also once the challenge is closed; its setting comes on top of that."""
    return (
        may_use(actor, Scope.SUBMIT)
        and takes_part
        and actor.person_id not in relation.banned
        and may_see_challenge(actor, relation)
    )


def may_read_answers(actor: Actor, relation: ChallengeRelation, *, takes_part: bool) -> bool:
    """Whoever takes part, where answers are for participants; who is banned does not any more."""
    return (
        may_use(actor, Scope.READ)
        and takes_part
        and actor.person_id not in relation.banned
        and may_see_challenge(actor, relation)
    )


def may_answer(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever organises the challenge: reviewers read, and change nothing."""
    return may_organise(actor, relation)


def may_submit(actor: Actor, relation: ChallengeRelation) -> bool:
    """Whoever may take part; whether they have joined is checked when they submit."""
    return may_take_part(actor, relation)


def may_see_own_part(actor: Actor, relation: ChallengeRelation, *, has_part: bool) -> bool:
    """Whoever may take part; once the challenge is over, whoever has had a part in it."""
    return may_take_part(actor, relation) or (
        has_part and may_use(actor, Scope.SUBMIT) and may_see_challenge(actor, relation)
    )


def may_change_team(actor: Actor, team: Collection[str]) -> bool:
    """Its members, and nobody else: not even staff submit, leave or merge for a team."""
    return may_use(actor, Scope.SUBMIT) and actor.person_id in team


def may_see_submission(actor: Actor, relation: ChallengeRelation, team: Collection[str]) -> bool:
    """Whoever is in the team that submitted it, and whoever works for the challenge."""
    return may_use(actor, Scope.READ) and (actor.person_id in team or may_review(actor, relation))


def may_cancel(actor: Actor, relation: ChallengeRelation, team: Collection[str]) -> bool:
    """Whoever is in the team that submitted it, and whoever organises the challenge."""
    return may_change_team(actor, team) or may_organise(actor, relation)


def may_see_leaderboard(actor: Actor, relation: ChallengeRelation, audience: Audience) -> bool:
    """As wide as the board's audience, never wider than the challenge itself."""
    if may_review(actor, relation):
        return True
    if not may_see_challenge(actor, relation):
        return False
    if audience in {Audience.PARTICIPANTS, Audience.OWN}:
        return may_use(actor, Scope.READ) and actor.person_id in relation.participants
    return audience is Audience.PUBLIC


def may_see_staff_pages(actor: Actor) -> bool:
    """Site staff."""
    return may_use(actor, Scope.ORGANISE) and actor.is_staff


def may_operate(actor: Actor) -> bool:
    """Whoever runs the ``sealrun`` command on the portal's machine, and nobody through the web."""
    return actor.kind is ActorKind.OPERATOR


def may_step(actor: Actor, relation: ChallengeRelation, *, by_organisers: bool) -> bool:
    """Owners of the challenge, staff and operators; where it is about reviews only, co-organisers as well."""
    if may_operate(actor):
        return True
    return may_organise(actor, relation) if by_organisers else may_own(actor, relation)


def may_name_roles(actor: Actor, relation: ChallengeRelation) -> bool:
    """Owners of the challenge, staff, and operators: a first owner has nobody else to name them."""
    return may_own(actor, relation) or may_operate(actor)


def may_invite_to_roles(actor: Actor, relation: ChallengeRelation) -> bool:
    """Owners of the challenge, and staff: a mail names whoever invites."""
    return may_own(actor, relation)


def may_step_down(actor: Actor, person_id: str) -> bool:
    """Whoever has a role may give up their own."""
    return may_use(actor, Scope.ORGANISE) and actor.person_id == person_id


def may_change_role_of(actor: Actor, person_id: str) -> bool:
    """Of those who name roles: anybody's but their own; staff theirs as well."""
    return actor.is_staff or actor.person_id != person_id


def may_see_people(actor: Actor) -> bool:
    """Site staff, and operators: they name staff and first owners by account number."""
    return may_see_staff_pages(actor) or may_operate(actor)


def may_block(actor: Actor, person_id: str) -> bool:
    """Site staff, and nobody themselves: they could not take it back."""
    return may_see_staff_pages(actor) and actor.person_id != person_id
