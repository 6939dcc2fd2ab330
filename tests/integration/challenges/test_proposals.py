"""A change on the web is a proposal first; what runs is applied by an operator, everything else by organisers."""

import copy
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from httpx import Response
from sqlalchemy import func, select

from containers.archives import Entry, write_archive
from portal import bootstrap
from portal.bootstrap.challenges import ToApprove
from portal.db.tables import AuditEntry, Image, Page, Phase, RevisionFile, Task
from portal.domain.audit import Action
from portal.domain.challenges.life import ChallengeState
from portal.domain.challenges.revisions import MAX_PROPOSALS, Origin, RevisionState
from portal.domain.errors import OperatorError, ParticipantError
from portal.domain.untrusted import Slug
from portal.files import store
from portal.services.evaluations.task_approvals import approval_of
from tests.support.web.organised import ROOT, SETTINGS, Organised

CHANGE = f"{ROOT}/change"
TEXT = f"{CHANGE}/text"


def _upload(site: Organised, packed: bytes, who: str = "owner", **fields: str) -> Response:
    return site.browser(who).post(CHANGE, data=fields, files={"file": ("bundle.zip", packed)})


def _write(site: Organised, path: str, text: str, who: str = "owner") -> Response:
    return site.browser(who).post(TEXT, data={"path": path, "text": text})


def _proposed(answer: Response) -> str:
    """Return the address of the revision that a form has made."""
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _apply(site: Organised, revision: str, who: str = "owner") -> Response:
    return site.browser(who).post(f"{revision}/apply")


def _in_store(site: Organised) -> set[str]:
    return {path.name for path in site.context.store.root.rglob("*") if path.is_file()}


def _with_phase(site: Organised, **values: Any) -> str:
    described = site.described()
    described["phases"][0].update(values)
    return yaml.safe_dump(described)


def test_a_zip_is_proposed_looked_at_and_applied(organised: Organised) -> None:
    packed = organised.zipped({SETTINGS: organised.settings(title="Numbers"), "notes.txt": "x"})

    revision = _proposed(_upload(organised, packed, message="a better name"))
    before = organised.challenge().title
    page = organised.browser("owner").get(revision).text
    applied = _apply(organised, revision)

    assert (revision, before) == (f"{ROOT}/revisions/2", "Digits")
    assert "a better name" in page
    assert "+title: Numbers" in page
    assert "<li>title</li>" in page
    assert (applied.status_code, applied.headers["location"]) == (303, revision)
    assert organised.challenge().title == "Numbers"
    [first, second] = organised.revisions()
    assert (second.state, second.base_number, second.origin) == (
        RevisionState.APPLIED, first.number, Origin.PAGE,
    )  # fmt: skip
    assert second.made_by == organised.people["owner"].id
    assert "It holds now." in organised.browser("owner").get(revision).text


def test_a_zip_in_one_folder_is_the_same_and_nothing_of_it_is_new(organised: Organised) -> None:
    files = _in_store(organised)

    answer = _upload(organised, organised.zipped({SETTINGS: organised.settings(title="N")}, "d/"))

    _proposed(answer)
    kept = organised.revisions()
    with organised.context.database.reading() as session:
        rows = session.execute(select(RevisionFile.path, RevisionFile.blob_sha256)).all()
    # What is as it was has the same digest, the packed sample as well.
    assert len(kept) == 2
    assert len({tuple(row) for row in rows}) == len(rows) / 2
    assert _in_store(organised) == files


def test_a_text_is_written_on_the_page_and_its_lines_are_shown(organised: Organised) -> None:
    shown = organised.browser("organiser").get(TEXT, params={"path": "overview.md"}).text

    revision = _proposed(
        _write(organised, "overview.md", "# Overview\r\n\r\nNew.\r\n", "organiser")
    )
    page = organised.browser("reviewer").get(revision).text
    _apply(organised, revision, "organiser")

    assert "# Overview" in shown
    assert "+New." in page
    with organised.context.database.reading() as session:
        assert session.scalars(select(Page.markdown)).one() == "# Overview\n\nNew.\n"


def test_one_file_is_replaced(organised: Organised) -> None:
    other = (organised.bundle / "base.tar").read_bytes()

    wrong = _upload(organised, other, path="scorer.tar")
    right = _upload(
        organised, (organised.bundle / "overview.md").read_bytes() + b"!", path="overview.md"
    )

    # The base image has no scorer in it.
    assert wrong.status_code == 422
    assert "tasks.digits.scorer" in wrong.text
    assert "overview.md" in organised.browser("owner").get(_proposed(right)).text


def test_a_sample_is_replaced_by_a_zip_of_its_files(organised: Organised) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("input/cells.csv", "other\n")

    revision = _proposed(_upload(organised, packed.getvalue(), path="sample"))

    page = organised.browser("owner").get(revision).text
    assert "<code>sample</code>" in page
    assert "task digits: sample" in page


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("schema: 1\nslug: digits\ntitles: x\n", "challenge.yaml:3: titles: is not a setting"),
        ("a: [\n", "challenge.yaml:2"),
        ("", "challenge.yaml:1"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_with_its_line(
    organised: Organised, text: str, line: str
) -> None:
    answer = _write(organised, SETTINGS, text)

    assert answer.status_code == 422
    assert line in answer.text
    # Nowhere stands where it was laid out.
    assert tempfile.gettempdir() not in answer.text
    assert len(organised.revisions()) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"overview.md": None}, "there is no file &#39;overview.md&#39;"),
        ({"scorer.tar": None}, "there is no file &#39;scorer.tar&#39;"),
        ({"scorer.tar": b"nothing"}, "tasks.digits.scorer"),
        ({"overview.md": b"\xff\xfe"}, "is not UTF-8 text"),
        ({"overview.md": b"a" * (256 * 1024 + 1)}, "is larger than 256 KiB"),
        ({SETTINGS: None}, "holds no challenge.yaml"),
        ({SETTINGS: b"#" * (256 * 1024 + 1)}, "is larger than 256 KiB"),
        ({"../out": b"x"}, "leads out of the archive"),
    ],
)
def test_a_zip_with_a_fault_is_refused_and_leaves_nothing(
    organised: Organised, change: dict[str, bytes | None], says: str
) -> None:
    before = _in_store(organised)

    answer = _upload(organised, organised.zipped(change))

    assert answer.status_code == 422
    assert says in answer.text
    assert len(organised.revisions()) == 1
    assert _in_store(organised) == before


@pytest.mark.parametrize("content", [b"no zip at all", b"", b"PK\x03\x04"])
def test_what_is_no_zip_is_refused(organised: Organised, content: bytes) -> None:
    assert _upload(organised, content).status_code == 422


def test_data_of_others_and_profiles_that_there_are_not_are_refused(organised: Organised) -> None:
    described = organised.described()
    described["tasks"]["digits"]["truth"]["data"] = "others"
    described["tasks"]["digits"]["score"]["profile"] = "huge"

    answer = _write(organised, SETTINGS, yaml.safe_dump(described))

    assert "this site has no data &#39;others&#39; for challenge &#39;digits&#39;" in answer.text
    assert "this site has no profile &#39;huge&#39;" in answer.text


def test_the_slug_stays(organised: Organised) -> None:
    described = organised.described() | {"slug": "others"}

    answer = _write(organised, SETTINGS, yaml.safe_dump(described))

    assert answer.status_code == 422


def test_proposing_what_holds_is_refused_and_the_same_twice_is_one(organised: Organised) -> None:
    same = _upload(organised, organised.zipped())
    packed = organised.zipped({SETTINGS: organised.settings(title="Numbers")})
    two = [_proposed(_upload(organised, packed)) for _ in range(2)]

    assert "Nothing is otherwise than in revision 1" in same.text
    assert two == [f"{ROOT}/revisions/2"] * 2


def test_what_runs_is_not_applied_by_organisers(organised: Organised) -> None:
    described = organised.described()
    described["tasks"]["digits"]["predict"]["argv"] = ["/app/predict", "--fast"]
    revision = _proposed(_write(organised, SETTINGS, yaml.safe_dump(described)))

    page = organised.browser("owner").get(revision).text
    answer = _apply(organised, revision)

    assert "The site has to approve this" in page
    assert "task digits: predict_argv" in page
    assert "Apply it" not in page
    assert answer.status_code == 422
    assert "The site has to approve this first" in answer.text
    with organised.context.database.reading() as session:
        assert session.scalars(select(Task.predict_argv)).one() == ["/app/predict"]


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        (lambda d: d["phases"][0].update(kinds=["results"]), "phase dev: kinds"),
        (lambda d: d["phases"][0].update(failures="sealed"), "phase dev: failures"),
        (
            lambda d: d["leaderboard"]["columns"][0].update(precision=6),
            "column accuracy: precision",
        ),
        (lambda d: d["leaderboard"]["columns"].append({"key": "f1", "title": "F1"}), "column f1"),
        (lambda d: d["tasks"]["digits"]["outputs"].update(max="2K"), "task digits: output_limit"),
        (lambda d: d["phases"].append(copy.deepcopy(d["phases"][0]) | {"id": "two"}), "phase two"),
    ],
)
def test_whatever_is_approved_has_to_be_approved_again(
    organised: Organised, change: Callable[[dict[str, Any]], Any], needs: str
) -> None:
    described = organised.described()
    change(described)

    revision = _proposed(_write(organised, SETTINGS, yaml.safe_dump(described)))

    assert needs in organised.revisions()[-1].needs
    assert _apply(organised, revision).status_code == 422
    assert len([r for r in organised.revisions() if r.state is RevisionState.APPLIED]) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"end": "2027-02-01T00:00Z"},
        {"limits": {"per_day": 1}},
        {"title": "The first one"},
        {"leaderboard": "organisers"},
        {"feedback": "none"},
    ],
)
def test_dates_limits_and_words_are_applied_by_organisers(
    organised: Organised, values: dict[str, Any]
) -> None:
    revision = _proposed(_write(organised, SETTINGS, _with_phase(organised, **values)))

    answer = _apply(organised, revision, "organiser")

    assert answer.status_code == 303
    assert organised.revisions()[-1].state is RevisionState.APPLIED


def _approve(site: Organised, number: int, *, agreed: bool = True) -> list[ToApprove]:
    asked: list[ToApprove] = []

    def ask(what: ToApprove) -> bool:
        asked.append(what)
        return agreed

    bootstrap.approve_revision(site.world.site, "digits", number, agreed=ask)
    return asked


def test_an_operator_approves_it_and_the_worker_runs_it(organised: Organised) -> None:
    described = organised.described()
    described["tasks"]["digits"]["predict"]["argv"] = ["/app/predict", "--fast"]
    revision = _proposed(_write(organised, SETTINGS, yaml.safe_dump(described)))
    asked = organised.browser("owner").post(f"{revision}/step", data={"to": "in_review"})
    staff = organised.browser("staff").get("/staff").text

    [what] = _approve(organised, 2)

    assert asked.status_code == 303
    assert "Revisions to be approved" in staff
    assert f'href="{revision}"' in staff
    assert what.needs == ("task digits: predict_argv",)
    assert any("--fast" in line for line in what.differences)
    approvals = bootstrap.approvals_of_site(organised.world.site)
    with organised.context.database.reading() as session:
        assert approvals.get(Slug("digits")) == approval_of(session, "digits")
        assert session.scalars(select(Task.predict_argv)).one() == ["/app/predict", "--fast"]
    assert "Revisions to be approved" not in organised.browser("staff").get("/staff").text


def test_what_is_not_agreed_to_changes_nothing(organised: Organised) -> None:
    _proposed(_write(organised, SETTINGS, _with_phase(organised, kinds=["results"])))

    with pytest.raises(OperatorError):
        _approve(organised, 2, agreed=False)

    assert organised.revisions()[-1].state is RevisionState.PROPOSED


def test_what_was_changed_while_it_was_looked_at_is_not_approved(organised: Organised) -> None:
    _proposed(_write(organised, SETTINGS, _with_phase(organised, kinds=["results"])))

    def swapped(_asked: ToApprove) -> bool:
        # The web account can write to this row.
        with organised.context.database.writing() as session:
            for row in session.scalars(
                select(RevisionFile).where(RevisionFile.path == "scorer.tar")
            ):
                row.blob_sha256 = session.scalars(
                    select(RevisionFile.blob_sha256).where(RevisionFile.path == "base.tar")
                ).first()
        return True

    with pytest.raises(OperatorError, match="is not what was looked at"):
        bootstrap.approve_revision(organised.world.site, "digits", 2, agreed=swapped)

    with organised.context.database.reading() as session:
        assert session.scalars(select(Phase.kinds)).one() == ["image", "code", "results"]


def test_after_another_change_it_has_to_be_proposed_again(organised: Organised) -> None:
    title = _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers")))
    page = _proposed(_write(organised, "overview.md", "# Other\n"))
    _apply(organised, title)

    late = _apply(organised, page)
    shown = organised.browser("owner").get(page).text
    again = _proposed(organised.browser("owner").post(f"{page}/again"))

    assert late.status_code == 422
    assert "revision 2 holds, and this was made of revision 1" in late.text
    assert "Another revision holds by now" in shown
    assert again == f"{ROOT}/revisions/4"
    # All of it is proposed, so it says that the title would be as it was.
    assert "<li>title</li>" in organised.browser("owner").get(again).text


def test_an_earlier_one_is_taken_back(organised: Organised) -> None:
    _apply(organised, _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers"))))

    back = _proposed(organised.browser("owner").post(f"{ROOT}/revisions/1/again"))
    _apply(organised, back)

    assert back == f"{ROOT}/revisions/3"
    assert organised.challenge().title == "Digits"
    assert organised.revisions()[-1].message == "Back to revision 1"


def test_a_dropped_one_keeps_no_files_and_is_not_applied(organised: Organised) -> None:
    revision = _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers")))

    dropped = organised.browser("organiser").post(f"{revision}/step", data={"to": "dropped"})
    again = organised.browser("organiser").post(f"{revision}/step", data={"to": "dropped"})
    answers = [organised.browser("owner").post(f"{revision}/{act}") for act in ("apply", "again")]

    assert (dropped.status_code, again.status_code) == (303, 303)
    assert [answer.status_code for answer in answers] == [422, 422]
    assert "Its files are no longer kept." in organised.browser("owner").get(revision).text
    with organised.context.database.reading() as session:
        kept = select(func.count()).select_from(RevisionFile)
        kept = kept.where(RevisionFile.revision_id == organised.revisions()[-1].id)
        assert session.scalar(kept) == 0


def test_applying_twice_changes_nothing(organised: Organised) -> None:
    revision = _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers")))

    answers = [_apply(organised, revision).status_code for _ in range(2)]

    assert answers == [303, 303]
    with organised.context.database.reading() as session:
        entries = select(func.count()).select_from(AuditEntry)
        entries = entries.where(AuditEntry.action == Action.CHALLENGE_CHANGED)
        assert session.scalar(entries) == 1


def test_what_holds_is_neither_dropped_nor_asked_about(organised: Organised) -> None:
    answers = [
        organised.browser("owner").post(f"{ROOT}/revisions/1/step", data={"to": to}).status_code
        for to in ("dropped", "in_review", "applied", "", "x")
    ]

    assert answers == [422] * 5


def test_there_is_a_bound_to_proposals(organised: Organised) -> None:
    for number in range(MAX_PROPOSALS):
        _proposed(_write(organised, "overview.md", f"# {number}\n"))

    answer = _write(organised, "overview.md", "# one too many\n")

    assert answer.status_code == 422
    assert "are proposed already" in answer.text


@pytest.mark.parametrize(("who", "status"), [("reviewer", 403), ("member", 404)])
def test_others_propose_nothing(organised: Organised, who: str, status: int) -> None:
    revision = _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers")))
    answers = [
        _upload(organised, organised.zipped({"overview.md": "x"}), who),
        _write(organised, "overview.md", "x", who),
        _apply(organised, revision, who),
        organised.browser(who).post(f"{revision}/again"),
        organised.browser(who).post(f"{revision}/step", data={"to": "dropped"}),
    ]

    assert [answer.status_code for answer in answers] == [status] * 5
    assert organised.challenge().title == "Digits"
    assert [row.state for row in organised.revisions()] == ["applied", "proposed"]


def test_a_draft_that_was_never_approved_is_changed_at_once(organised: Organised) -> None:
    with organised.context.database.writing() as session:
        challenge = session.merge(organised.challenge())
        challenge.state, challenge.approved_at = ChallengeState.DRAFT, None
    approvals = bootstrap.approvals_of_site(organised.world.site)
    before = approvals.get(Slug("digits"))
    revision = _proposed(_write(organised, SETTINGS, _with_phase(organised, kinds=["results"])))

    applied = _apply(organised, revision)

    assert applied.status_code == 303
    assert approvals.get(Slug("digits")) == before


def test_a_scorer_of_a_proposal_is_not_built_before_it_holds(organised: Organised) -> None:
    scorer = (organised.bundle / "scorer.tar").read_bytes()
    other = organised.bundle.parent / "other.tar"
    write_archive(
        [Entry(path="app/score", content=b"better", mode=0o755)], other, architecture="amd64"
    )
    with organised.context.database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Image))

    revision = _proposed(_upload(organised, other.read_bytes(), path="scorer.tar"))

    with organised.context.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Image)) == before
    assert other.read_bytes() != scorer
    assert _apply(organised, revision).status_code == 422
    _approve(organised, 2)
    with organised.context.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Image)) == before + 1


def test_a_full_disk_is_said_and_leaves_nothing(
    organised: Organised, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: object, *_pieces: bytes) -> None:
        raise store.StorageFullError("no room")

    before = _in_store(organised)
    monkeypatch.setattr(store.Incoming, "commit", full)

    answer = _write(organised, "overview.md", "# New\n")

    assert answer.status_code == 507
    assert _in_store(organised) == before


def test_a_text_that_is_gone_from_the_store_is_for_the_operator(organised: Organised) -> None:
    with organised.context.database.reading() as session:
        digest = session.scalars(
            select(RevisionFile.blob_sha256).where(RevisionFile.path == "overview.md")
        ).one()
    organised.context.store.path(digest).unlink()

    answers = [
        organised.browser("owner").get(TEXT, params={"path": "overview.md"}),
        _write(organised, SETTINGS, organised.settings(title="Numbers")),
    ]

    assert [answer.status_code for answer in answers] == [500, 500]
    assert str(Path(organised.context.store.root)) not in answers[0].text


@pytest.mark.parametrize("path", ["nothing.md", "../site.yaml", "scorer.tar", ""])
def test_only_texts_of_the_challenge_are_edited(organised: Organised, path: str) -> None:
    shown = organised.browser("owner").get(TEXT, params={"path": path})
    written = _write(organised, path, "x")

    assert shown.status_code == 404
    assert written.status_code in {404, 422}
    assert len(organised.revisions()) == 1


def test_proposals_are_in_the_audit_log(organised: Organised) -> None:
    revision = _proposed(_write(organised, SETTINGS, organised.settings(title="Numbers")))
    organised.browser("owner").post(f"{revision}/step", data={"to": "in_review"})
    organised.browser("owner").post(f"{revision}/step", data={"to": "dropped"})

    with organised.context.database.reading() as session:
        found = select(AuditEntry).order_by(AuditEntry.number)
        entries = [
            (entry.action, json.loads(json.dumps(entry.detail)))
            for entry in session.scalars(found)
            if entry.action in {Action.REVISION_PROPOSED, Action.REVISION_STEPPED}
        ]
    assert entries == [
        (Action.REVISION_PROPOSED, {"revision": 2}),
        (Action.REVISION_STEPPED, {"revision": 2, "before": "proposed", "state": "in_review"}),
        (Action.REVISION_STEPPED, {"revision": 2, "before": "in_review", "state": "dropped"}),
    ]
    page = organised.browser("staff").get("/staff/audit").text
    assert "changed what becomes of a proposed revision of" in page


def test_adding_by_command_makes_proposals_stale(organised: Organised) -> None:
    revision = _proposed(_write(organised, "overview.md", "# Other\n"))
    (organised.bundle / SETTINGS).write_text(organised.settings(title="Numbers"))

    bootstrap.add_challenge(organised.world.site, organised.bundle)

    assert "made of revision 1" in _apply(organised, revision).text
    with pytest.raises(ParticipantError):
        _approve(organised, 2)
    assert [row.number for row in organised.revisions()] == [1, 2, 3]
