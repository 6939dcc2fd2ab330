"""The tables. One module per area; importing this package knows them all."""

from portal.db.tables.accounts import (
    Account,
    ApiToken,
    LoginSession,
    Person,
    SpentLogoutToken,
    TermsAcceptance,
)
from portal.db.tables.announcements import Announcement
from portal.db.tables.attention import Decision, Heartbeat
from portal.db.tables.audit import AuditEntry
from portal.db.tables.base import Base
from portal.db.tables.challenges import (
    Board,
    Challenge,
    ChallengeRevision,
    Column,
    Download,
    Organiser,
    Page,
    Phase,
    PhaseTask,
    Picture,
    RevisionFile,
    Task,
)
from portal.db.tables.check_reports import CheckReport
from portal.db.tables.deletions import Deletion
from portal.db.tables.dry_runs import DryRun, DryRunTrial
from portal.db.tables.evaluations import Attempt, Image, Job, Lease, LogRelease, RunLog
from portal.db.tables.file_pieces import FilePiece
from portal.db.tables.mail import Mail, MailChoice
from portal.db.tables.organising import Circular, Question, RoleInvitation, RoleInvitationLink
from portal.db.tables.revisions import Revision
from portal.db.tables.snapshots import DataSnapshot
from portal.db.tables.submissions import (
    NOT_A_RERUN,
    Blob,
    Cancellation,
    Evaluation,
    Event,
    ExtraTries,
    PhaseAdmission,
    Pick,
    Result,
    Standing,
    Submission,
    SubmissionMark,
)
from portal.db.tables.teams import (
    Invitation,
    Membership,
    MergeRequest,
    Participation,
    PastMembership,
    Team,
)
from portal.db.tables.troubles import Trouble
from portal.db.tables.weights import Weights

__all__ = [
    "NOT_A_RERUN",
    "Account",
    "Announcement",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "Base",
    "Blob",
    "Board",
    "Cancellation",
    "Challenge",
    "ChallengeRevision",
    "CheckReport",
    "Circular",
    "Column",
    "DataSnapshot",
    "Decision",
    "Deletion",
    "Download",
    "DryRun",
    "DryRunTrial",
    "Evaluation",
    "Event",
    "ExtraTries",
    "FilePiece",
    "Heartbeat",
    "Image",
    "Invitation",
    "Job",
    "Lease",
    "LogRelease",
    "LoginSession",
    "Mail",
    "MailChoice",
    "Membership",
    "MergeRequest",
    "Organiser",
    "Page",
    "Participation",
    "PastMembership",
    "Person",
    "Phase",
    "PhaseAdmission",
    "PhaseTask",
    "Pick",
    "Picture",
    "Question",
    "Result",
    "Revision",
    "RevisionFile",
    "RoleInvitation",
    "RoleInvitationLink",
    "RunLog",
    "SpentLogoutToken",
    "Standing",
    "Submission",
    "SubmissionMark",
    "Task",
    "Team",
    "TermsAcceptance",
    "Trouble",
    "Weights",
]
