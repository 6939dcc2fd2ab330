"""The audit log's chain: each entry is sealed together with the one before it."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

START = "0" * 64
"""What stands before the first entry."""


class Action(StrEnum):
    """What can be done that is written down."""

    LOGGED_IN = "login"
    LOGGED_OUT = "logout"
    LOGIN_LINKED = "login.linked"
    LOGIN_UNLINKED = "login.unlinked"
    PEOPLE_JOINED = "person.absorbed"
    TERMS_ACCEPTED = "terms.accepted"
    NAMES_CHANGED = "names.changed"
    MAIL_CHOSEN = "mail.chosen"
    DATA_EXPORTED = "data.exported"
    PERSON_DELETED = "person.deleted"
    PERSON_BLOCKED = "person.blocked"
    PERSON_UNBLOCKED = "person.unblocked"
    PERSON_LOOKED_AT = "person.looked_at"
    STAFF_ADDED = "staff.added"
    STAFF_REMOVED = "staff.removed"
    SESSION_ENDED = "session.ended"
    SESSIONS_ENDED = "sessions.ended"
    TOKEN_MADE = "token.made"  # noqa: S105 - a word
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a word
    CHALLENGE_ADDED = "challenge.added"
    CHALLENGE_CHANGED = "challenge.changed"
    CHALLENGE_STEPPED = "challenge.stepped"
    REVISION_PROPOSED = "revision.proposed"
    REVISION_STEPPED = "revision.stepped"
    DRY_RUN_STARTED = "dry_run.started"
    CHEATS_ACCEPTED = "dry_run.accepted"
    ANNOUNCED = "announcement.made"
    ANNOUNCEMENT_CORRECTED = "announcement.corrected"
    ANNOUNCEMENT_WITHDRAWN = "announcement.withdrawn"
    ANNOUNCEMENT_RESTORED = "announcement.restored"
    ROLE_GIVEN = "role.given"
    ROLE_TAKEN = "role.taken"
    ROLE_INVITED = "role.invited"
    ROLE_INVITATION_WITHDRAWN = "role.uninvited"
    ROLE_ACCEPTED = "role.accepted"
    QUESTION_ASKED = "question.asked"
    QUESTION_ANSWERED = "question.answered"
    QUESTION_MODERATED = "question.moderated"
    CIRCULAR_SENT = "circular.sent"
    CIRCULAR_STOPPED = "circular.stopped"
    JOIN_ASKED = "join.asked"
    JOINED = "join.joined"
    JOIN_ADMITTED = "join.admitted"
    JOIN_DECLINED = "join.declined"
    PARTICIPANT_REMOVED = "participant.removed"
    PARTICIPANT_BANNED = "participant.banned"
    BAN_LIFTED = "participant.ban_lifted"
    PARTICIPANTS_EXPORTED = "participants.exported"
    TEAM_MADE = "team.made"
    TEAM_RENAMED = "team.renamed"
    TEAM_JOINED = "team.joined"
    TEAM_LEFT = "team.left"
    TEAM_INVITED = "team.invited"
    TEAM_INVITATION_WITHDRAWN = "team.uninvited"
    TEAM_ADMITTED = "team.admitted"
    TEAM_ADMISSION_TAKEN = "team.unadmitted"
    MERGE_ASKED = "merge.asked"
    MERGE_ACCEPTED = "merge.accepted"
    MERGE_DECLINED = "merge.declined"
    MERGE_WITHDRAWN = "merge.withdrawn"
    SUBMISSION_CANCELLED = "submission.cancelled"
    SUBMISSION_MARKED = "submission.marked"
    SUBMISSION_UNMARKED = "submission.unmarked"
    SUBMISSION_WITHDRAWN = "submission.withdrawn"
    SUBMISSION_REINSTATED = "submission.reinstated"
    SUBMISSION_PICKED = "submission.picked"
    SUBMISSION_UNPICKED = "submission.unpicked"
    ANSWERS_CHANGED = "answers.changed"
    TRIES_GIVEN = "tries.given"
    EVALUATION_RERUN = "evaluation.rerun"
    TROUBLE_RETRIED = "trouble.retried"
    TROUBLE_GIVEN_UP = "trouble.given_up"
    RESULT_STORED = "result.stored"
    LOG_RELEASED = "log.released"
    EVIDENCE_EXPORTED = "evidence.exported"
    SEALED_LOOKED_AT = "sealed.looked_at"
    LOG_LOOKED_AT = "audit.looked_at"
    ORIGINS_ERASED = "audit.origins_erased"
    GUARDS_RESTORED = "audit.guards_restored"
    LOG_ACCEPTED = "audit.accepted"
    FILES_DELETED = "files.deleted"
    DATA_MEASURED = "dataset.measured"
    DATA_CHANGED = "dataset.changed"


class Group(StrEnum):
    """Actions that somebody who reads the log asks for together."""

    LOGINS = "logins"
    DATA = "data"
    SITE = "site"
    CHALLENGES = "challenges"
    JOINING = "joining"
    TEAMS = "teams"
    SUBMISSIONS = "submissions"
    LOOKS = "looks"


GROUPS: Mapping[Group, frozenset[Action]] = {
    Group.LOGINS: frozenset(
        {
            Action.LOGGED_IN, Action.LOGGED_OUT, Action.LOGIN_LINKED, Action.LOGIN_UNLINKED,
            Action.PEOPLE_JOINED, Action.SESSION_ENDED, Action.SESSIONS_ENDED, Action.TOKEN_MADE,
            Action.TOKEN_REVOKED,
        }
    ),
    Group.DATA: frozenset(
        {
            Action.TERMS_ACCEPTED, Action.NAMES_CHANGED, Action.MAIL_CHOSEN,
            Action.DATA_EXPORTED, Action.PERSON_DELETED,
        }
    ),
    Group.SITE: frozenset(
        {
            Action.PERSON_BLOCKED, Action.PERSON_UNBLOCKED, Action.STAFF_ADDED,
            Action.STAFF_REMOVED, Action.ORIGINS_ERASED, Action.FILES_DELETED,
            Action.DATA_MEASURED, Action.DATA_CHANGED, Action.GUARDS_RESTORED,
            Action.LOG_ACCEPTED,
        }
    ),
    Group.CHALLENGES: frozenset(
        {
            Action.CHALLENGE_ADDED, Action.CHALLENGE_CHANGED, Action.CHALLENGE_STEPPED,
            Action.REVISION_PROPOSED, Action.REVISION_STEPPED, Action.DRY_RUN_STARTED,
            Action.CHEATS_ACCEPTED, Action.ANNOUNCED, Action.ANNOUNCEMENT_CORRECTED, Action.ANNOUNCEMENT_WITHDRAWN,
            Action.ANNOUNCEMENT_RESTORED, Action.ROLE_GIVEN, Action.ROLE_TAKEN,
            Action.CIRCULAR_SENT, Action.CIRCULAR_STOPPED,
            Action.QUESTION_ASKED, Action.QUESTION_ANSWERED, Action.QUESTION_MODERATED,
            Action.ROLE_INVITED, Action.ROLE_INVITATION_WITHDRAWN, Action.ROLE_ACCEPTED,
        }
    ),
    Group.JOINING: frozenset(
        {
            Action.JOIN_ASKED, Action.JOINED, Action.JOIN_ADMITTED, Action.JOIN_DECLINED,
            Action.PARTICIPANT_REMOVED, Action.PARTICIPANT_BANNED, Action.BAN_LIFTED,
        }
    ),
    Group.TEAMS: frozenset(
        {
            Action.TEAM_MADE, Action.TEAM_RENAMED, Action.TEAM_JOINED, Action.TEAM_LEFT,
            Action.TEAM_INVITED, Action.TEAM_INVITATION_WITHDRAWN, Action.MERGE_ASKED,
            Action.MERGE_ACCEPTED, Action.MERGE_DECLINED, Action.MERGE_WITHDRAWN,
            Action.TEAM_ADMITTED, Action.TEAM_ADMISSION_TAKEN,
        }
    ),
    Group.SUBMISSIONS: frozenset(
        {
            Action.SUBMISSION_CANCELLED, Action.EVALUATION_RERUN, Action.RESULT_STORED,
            Action.LOG_RELEASED, Action.EVIDENCE_EXPORTED, Action.TROUBLE_RETRIED,
            Action.TROUBLE_GIVEN_UP, Action.SUBMISSION_MARKED, Action.SUBMISSION_UNMARKED,
            Action.SUBMISSION_WITHDRAWN, Action.SUBMISSION_REINSTATED, Action.SUBMISSION_PICKED,
            Action.SUBMISSION_UNPICKED, Action.TRIES_GIVEN, Action.ANSWERS_CHANGED,
        }
    ),
    Group.LOOKS: frozenset(
        {
            Action.PERSON_LOOKED_AT, Action.SEALED_LOOKED_AT, Action.LOG_LOOKED_AT,
            Action.PARTICIPANTS_EXPORTED,
        }
    ),
}  # fmt: skip


_NOTHING: frozenset[str] = frozenset()

ORGANISERS_READ: Mapping[Action, frozenset[str]] = {
    **dict.fromkeys(GROUPS[Group.JOINING] | GROUPS[Group.TEAMS], _NOTHING),
    Action.PARTICIPANT_BANNED: frozenset({"mark", "marked"}),
    Action.PARTICIPANTS_EXPORTED: _NOTHING,
    Action.CHALLENGE_ADDED: frozenset({"revision"}),
    Action.CHALLENGE_CHANGED: frozenset({"revision"}),
    Action.CHALLENGE_STEPPED: frozenset({"before", "state", "reason"}),
    Action.REVISION_PROPOSED: frozenset({"revision"}),
    Action.REVISION_STEPPED: frozenset({"revision", "before", "state"}),
    Action.ANNOUNCED: _NOTHING,
    Action.ANNOUNCEMENT_CORRECTED: _NOTHING,
    Action.ANNOUNCEMENT_WITHDRAWN: _NOTHING,
    Action.ANNOUNCEMENT_RESTORED: _NOTHING,
    Action.ROLE_GIVEN: frozenset({"role", "before"}),
    Action.ROLE_TAKEN: frozenset({"role"}),
    Action.ROLE_INVITED: frozenset({"role"}),
    Action.ROLE_INVITATION_WITHDRAWN: frozenset({"role"}),
    Action.ROLE_ACCEPTED: frozenset({"role", "before"}),
    Action.CIRCULAR_SENT: frozenset({"to", "people"}),
    Action.CIRCULAR_STOPPED: _NOTHING,
    Action.QUESTION_ASKED: _NOTHING,
    Action.QUESTION_ANSWERED: frozenset({"public"}),
    Action.QUESTION_MODERATED: frozenset({"state"}),
    Action.SUBMISSION_CANCELLED: frozenset({"cost"}),
    Action.SUBMISSION_MARKED: frozenset({"mark", "reason"}),
    Action.SUBMISSION_UNMARKED: frozenset({"mark", "reason"}),
    Action.SUBMISSION_WITHDRAWN: _NOTHING,
    Action.SUBMISSION_REINSTATED: _NOTHING,
    Action.EVALUATION_RERUN: _NOTHING,
    Action.RESULT_STORED: _NOTHING,
    Action.LOG_RELEASED: frozenset({"job"}),
    Action.EVIDENCE_EXPORTED: _NOTHING,
    Action.TROUBLE_RETRIED: frozenset({"choice", "number"}),
    Action.TROUBLE_GIVEN_UP: frozenset({"choice", "number"}),
    Action.SEALED_LOOKED_AT: _NOTHING,
    Action.LOG_LOOKED_AT: frozenset({"download"}),
    Action.FILES_DELETED: frozenset({"policy"}),
}
"""Of the entries of their challenge, those that organisers read, and which of their details; no other is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A place in the log: what is kept elsewhere, so that a log whose end was cut off shows."""

    number: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.number}:{self.sha256}"


EMPTY = Head(number=0, sha256=START)
"""The head of a log without entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What something was done to."""

    kind: str
    """person, session, token, team, challenge, submission, invitation ..."""
    id: str


def new_salt() -> str:
    """Return what keeps an origin from being guessed from its digest."""
    return secrets.token_hex(16)


def origin_digest(salt: str, origin: str) -> str:
    """Return what the chain keeps of an origin."""
    return hashlib.sha256(f"{salt}:{origin}".encode()).hexdigest()


def entry_digest(previous_sha256: str, entry: Mapping[str, object]) -> str:
    """Return the sha256 in hex of an entry and the digest before it.

    ``entry`` holds plain JSON values; its canonical form has sorted keys and no spaces.
    """
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous_sha256}\n{text}".encode()).hexdigest()
