"""The audit log in words: a sentence for every action, and links to whom and what it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

from portal.domain.accounts.people import ActorKind
from portal.domain.audit import Action
from portal.domain.permissions import Role
from portal.services.audit.views import EntryFacts, Thing
from portal.web.rendering.labels import word

MESSAGES: Mapping[Action, str] = {
    Action.LOGGED_IN: "{who} logged in",
    Action.LOGGED_OUT: "{who} logged out",
    Action.LOGIN_LINKED: "{who} added another login to their account",
    Action.LOGIN_UNLINKED: "{who} removed a login from their account",
    Action.PEOPLE_JOINED: "{who} made {subject} one person with themselves",
    Action.TERMS_ACCEPTED: "{who} accepted the terms of the site",
    Action.NAMES_CHANGED: "{who} changed what they are called",
    Action.MAIL_CHOSEN: "{who} chose which mails {subject} gets",
    Action.DATA_EXPORTED: "{who} downloaded the data about {subject}",
    Action.PERSON_DELETED: "{who} deleted the data about {subject}",
    Action.PERSON_BLOCKED: "{who} blocked {subject}",
    Action.PERSON_UNBLOCKED: "{who} let {subject} in again",
    Action.PERSON_LOOKED_AT: "{who} looked at the staff's page about {subject}",
    Action.STAFF_ADDED: "{who} made {subject} staff",
    Action.STAFF_REMOVED: "{who} removed {subject} from staff",
    Action.SESSION_ENDED: "{who} ended {subject}",
    Action.SESSIONS_ENDED: "{who} ended the sessions of {subject}",
    Action.TOKEN_MADE: "{who} made {subject}",
    Action.TOKEN_REVOKED: "{who} revoked {subject}",
    Action.CHALLENGE_ADDED: "{who} added {subject}",
    Action.CHALLENGE_CHANGED: "{who} brought {subject} up to date",
    Action.CHALLENGE_STEPPED: "{who} changed the state of {subject}",
    Action.REVISION_PROPOSED: "{who} proposed a revision of {subject}",
    Action.REVISION_STEPPED: "{who} changed what becomes of a proposed revision of {subject}",
    Action.DRY_RUN_STARTED: "{who} started a dry run of {subject}",
    Action.CHEATS_ACCEPTED: "{who} accepted what cheats gain in a dry run of {subject}",
    Action.ANNOUNCED: "{who} announced something, {subject}, in {challenge}",
    Action.ANNOUNCEMENT_CORRECTED: "{who} corrected {subject} in {challenge}",
    Action.ANNOUNCEMENT_WITHDRAWN: "{who} took {subject} down in {challenge}",
    Action.ANNOUNCEMENT_RESTORED: "{who} put {subject} back in {challenge}",
    Action.ROLE_GIVEN: "{who} gave {subject} the role {role} in {challenge}",
    Action.ROLE_TAKEN: "{who} took the role {role} in {challenge} from {subject}",
    Action.ROLE_INVITED: "{who} invited somebody by e-mail, {subject}, to the role {role} in {challenge}",
    Action.ROLE_INVITATION_WITHDRAWN: "{who} withdrew {subject} to a role in {challenge}",
    Action.ROLE_ACCEPTED: "{who} accepted the role {role} in {challenge} by an invitation",
    Action.QUESTION_ASKED: "{who} asked {subject} in {challenge}",
    Action.QUESTION_ANSWERED: "{who} answered {subject} in {challenge}",
    Action.QUESTION_MODERATED: "{who} changed what is shown of {subject} in {challenge}",
    Action.CIRCULAR_SENT: "{who} sent a mail, {subject}, to participants of {challenge}",
    Action.CIRCULAR_STOPPED: "{who} stopped a mail, {subject}, to participants of {challenge}",
    Action.JOIN_ASKED: "{who} asked to take part in {challenge}",
    Action.JOINED: "{who} joined {challenge}",
    Action.JOIN_ADMITTED: "{who} admitted {subject} to {challenge}",
    Action.JOIN_DECLINED: "{who} did not admit {subject} to {challenge}",
    Action.PARTICIPANT_REMOVED: "{who} removed {subject} from {challenge}",
    Action.PARTICIPANT_BANNED: "{who} banned {subject} from {challenge}",
    Action.BAN_LIFTED: "{who} lifted the ban of {subject} from {challenge}",
    Action.PARTICIPANTS_EXPORTED: "{who} downloaded the list of participants of {challenge}",
    Action.TEAM_MADE: "{who} made {subject} in {challenge}",
    Action.TEAM_RENAMED: "{who} renamed {subject} in {challenge}",
    Action.TEAM_JOINED: "{who} joined {subject} in {challenge}",
    Action.TEAM_LEFT: "{who} left {subject} in {challenge}",
    Action.TEAM_INVITED: "{who} made an invitation, {subject}, in {challenge}",
    Action.TEAM_INVITATION_WITHDRAWN: "{who} withdrew an invitation, {subject}, in {challenge}",
    Action.TEAM_ADMITTED: "{who} admitted {subject} to a phase of {challenge}",
    Action.TEAM_ADMISSION_TAKEN: "{who} no longer admits {subject} to a phase of {challenge}",
    Action.MERGE_ASKED: "{who} asked to merge teams, {subject}, in {challenge}",
    Action.MERGE_ACCEPTED: "{who} accepted to merge teams, {subject}, in {challenge}",
    Action.MERGE_DECLINED: "{who} declined to merge teams, {subject}, in {challenge}",
    Action.MERGE_WITHDRAWN: "{who} no longer asks to merge teams, {subject}, in {challenge}",
    Action.SUBMISSION_CANCELLED: "{who} cancelled {subject} in {challenge}",
    Action.SUBMISSION_MARKED: "{who} marked {subject} in {challenge}",
    Action.SUBMISSION_UNMARKED: "{who} took a mark off {subject} in {challenge}",
    Action.SUBMISSION_WITHDRAWN: "{who} withdrew {subject} from the leaderboard of {challenge}",
    Action.SUBMISSION_REINSTATED: "{who} no longer withdraws {subject} in {challenge}",
    Action.SUBMISSION_PICKED: "{who} chose {subject} for a board of {challenge}",
    Action.SUBMISSION_UNPICKED: "{who} no longer chooses {subject} for a board of {challenge}",
    Action.ANSWERS_CHANGED: "{who} changed answers of {subject} in {challenge}",
    Action.TRIES_GIVEN: "{who} gave {subject} extra tries in {challenge}",
    Action.SEALED_LOOKED_AT: "{who} looked at the confidential details of {subject} in {challenge}",
    Action.LOG_LOOKED_AT: "{who} looked at the audit log",
    Action.ORIGINS_ERASED: "{who} erased the origins of old entries",
    Action.GUARDS_RESTORED: "{who} restored the triggers that keep the audit log append-only",
    Action.LOG_ACCEPTED: "{who} accepted the audit log of a restored database",
    Action.FILES_DELETED: "{who} deleted {subject}, as its time was over",
    Action.RESULT_STORED: "{who} stored the result of {subject} in {challenge}",
    Action.LOG_RELEASED: "{who} released a log of {subject} to its team",
    Action.EVIDENCE_EXPORTED: "{who} exported {subject} with all evidence",
    Action.EVALUATION_RERUN: "{who} let {subject} run again to compare",
    Action.TROUBLE_RETRIED: "{who} let {subject}, which was set aside, be tried again",
    Action.TROUBLE_GIVEN_UP: "{who} gave up {subject}, which was set aside",
    Action.DATA_MEASURED: "{who} measured {subject}",
    Action.DATA_CHANGED: "{who} found {subject} changed",
}

_ADDRESSES = {
    "person": "/staff/people/{id}",
    "submission": "/submissions/{id}",
    "challenge": "/challenges/{id}",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence; with an address, it is a link."""

    text: str
    address: str = ""


def message(entry: EntryFacts) -> tuple[Part, ...]:
    """Return what happened, in words."""
    return tuple(_parts(entry))


def rest(entry: EntryFacts) -> tuple[tuple[str, str], ...]:
    """Return what the entry says beyond its sentence, as pairs of words."""
    named = {name for _, name, _, _ in Formatter().parse(MESSAGES[entry.action]) if name}
    return tuple(
        (name.replace("_", " "), _shown(value))
        for name, value in entry.detail.items()
        if name not in named and value is not None
    )


def _parts(entry: EntryFacts) -> Iterator[Part]:
    for text, name, _, _ in Formatter().parse(MESSAGES[entry.action]):
        if text:
            yield Part(text)
        if name == "who":
            yield from _who(entry)
        elif name == "subject":
            yield _thing(entry.subject)
        elif name == "challenge":
            yield _thing(entry.challenge) if entry.challenge else Part("a challenge")
        elif name:
            yield Part(_role(entry.detail.get(name)))


def _who(entry: EntryFacts) -> Iterator[Part]:
    if entry.actor is not None:
        yield _thing(entry.actor)
    elif entry.actor_kind is ActorKind.OPERATOR:
        yield Part("An operator")
    elif entry.actor_kind is ActorKind.PORTAL:
        yield Part("The portal")
    else:
        yield Part("Somebody")
    if entry.actor_kind is ActorKind.TOKEN:
        yield Part(" (with a token)")


def _thing(thing: Thing) -> Part:
    pattern = _ADDRESSES.get(thing.kind, "")
    name = thing.name or thing.id
    is_a_name = thing.kind in {"person", "challenge"}
    kind = thing.kind.replace("_", " ")
    return Part(name if is_a_name else f"{kind} {name}", pattern.format(id=thing.id))


def _role(value: object) -> str:
    known = isinstance(value, str) and value in set(Role)
    return word(Role(str(value))).lower() if known else "?"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
