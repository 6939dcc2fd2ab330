"""What staff and owners see of the scene: roles, an audit log, claims, browsers and a run's log."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Account, Attempt, Evaluation, Job, LoginSession, Person, Submission
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.people import Actor, operator
from portal.domain.audit import Action, Subject
from portal.domain.ids import new_id
from portal.domain.permissions import Role
from portal.domain.site.findings import Report
from portal.domain.submissions.run_logs import tail
from portal.services.audit import log as audit_log
from portal.services.site import check_reports
from portal.services.submissions import run_logs
from portal.site_check.catalogue import RULES
from tests.support import factories
from tests.support.factories import DAY, MINUTE, NOW, Digits

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
PROFILES = ("gpu-small", "score", "build")
LOG = """Traceback (most recent call last):
  File "/submission/predict.py", line 41, in <module>
    main()
  File "/submission/predict.py", line 33, in main
    rows = [read(path) for path in sorted(INPUT.glob("*.png"))]
MemoryError: Unable to allocate 3.72 GiB for an array with shape (1797, 512, 542) and type float64
"""


def add_staff_things(session: Session, digits: Digits, ada: Person, failed: Submission) -> Person:
    """Add people who work for the challenge, and what happened on the site so far; return the owner."""
    owner = factories.add_person(session, "Ingrid Solheim")
    reviewer = factories.add_person(session, "Tomás Ferreira")
    assistant = factories.add_person(session, "Priya Raman")
    for person, role in (
        (owner, Role.OWNER), (assistant, Role.ORGANISER), (reviewer, Role.REVIEWER),
    ):  # fmt: skip
        factories.add_organiser(session, digits, person, role)
    blocked = factories.add_person(session, "Sam Burner")
    blocked.blocked_at = NOW - 2 * DAY
    _add_claims_and_browsers(session, digits, ada)
    _add_log(session, failed)
    _add_check(session)
    _add_entries(session, digits, owner, reviewer, ada, blocked, failed)
    return owner


def _add_check(session: Session) -> None:
    rules = {rule.id: rule for rule in RULES}
    findings = (
        rules["slurm.swap"].broken("ConstrainSwapSpace=no"),
        rules["slurm.devices"].holds("ConstrainDevices=yes"),
        rules["storage.closed"].holds("/shared/sealrun has mode 0750"),
        *(rules["probe.network"].holds("interfaces lo, 0 routes", subject=one) for one in PROFILES),
        rules["probe.files"].broken(
            "a file of the job before was in /dev/shm", subject=PROFILES[0]
        ),
        rules["probe.time"].left_out("--quick", subject=PROFILES[0]),
    )
    report = Report(
        site="Nordholm", taken_at=NOW - DAY, version="0.1.0", profiles=PROFILES, jobs="quick",
        complete=True, findings=findings,
    )  # fmt: skip
    check_reports.keep(session, actor=operator("sealrun"), report=report, now=NOW - DAY)


def _add_claims_and_browsers(session: Session, digits: Digits, ada: Person) -> None:
    account = session.scalars(select(Account).where(Account.person_id == ada.id)).first()
    if account is not None:
        account.claims = {
            "eduperson_scoped_affiliation": ["member@nordholm.example", "staff@nordholm.example"],
            "email": "ada@nordholm.example",
        }
    digits.challenge.join_gate = Gate(
        title="Members of Nordholm University",
        claims={"eduperson_scoped_affiliation": ("member@nordholm.example",)},
    ).as_json()
    session.add(
        LoginSession(
            secret_sha256="5" * 64, id=new_id(NOW), person_id=ada.id, provider_id="campus",
            data={}, created_at=NOW - DAY, seen_at=NOW - 5 * MINUTE, expires_at=NOW + DAY,
            agent=FIREFOX, origin="192.0.2.17",
        )
    )  # fmt: skip
    session.flush()


def _add_log(session: Session, failed: Submission) -> None:
    tokens = select(Attempt.token).join(Job).join(Evaluation, Evaluation.id == Job.evaluation_id)
    token = session.scalars(tokens.where(Evaluation.submission_id == failed.id)).first()
    assert token is not None
    run_logs.keep(session, token, {"stdout": tail("read 1797 images\n"), "stderr": tail(LOG)})


def _add_entries(
    session: Session,
    digits: Digits,
    owner: Person,
    reviewer: Person,
    ada: Person,
    blocked: Person,
    failed: Submission,
) -> None:
    challenge = digits.challenge.id

    def add(
        days: float, actor: Actor, action: Action, kind: str, subject: str, **more: Any
    ) -> None:
        audit_log.note(
            session, actor=actor, action=action, subject=Subject(kind=kind, id=subject),
            now=NOW - timedelta(days=days), **more,
        )  # fmt: skip

    root, of_owner = operator("root"), Actor(person_id=owner.id, origin="192.0.2.40")
    of_ada = Actor(person_id=ada.id, origin="2001:db8::17")
    add(40, root, Action.CHALLENGE_ADDED, "challenge", challenge, challenge_id=challenge)
    add(40, root, Action.ROLE_GIVEN, "person", owner.id, challenge_id=challenge, role="owner")
    add(39, of_owner, Action.LOGGED_IN, "person", owner.id)
    add(39, of_owner, Action.ROLE_GIVEN, "person", reviewer.id, challenge_id=challenge,
        role="reviewer")  # fmt: skip
    add(18, of_ada, Action.LOGGED_IN, "person", ada.id)
    add(18, of_ada, Action.JOINED, "challenge", challenge, challenge_id=challenge)
    add(2, root, Action.PERSON_BLOCKED, "person", blocked.id, reason="misuse", sessions=2)
    add(1, Actor(person_id=reviewer.id, origin="198.51.100.4"), Action.SEALED_LOOKED_AT,
        "submission", failed.id, challenge_id=challenge)  # fmt: skip
