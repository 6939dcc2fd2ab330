"""Signed records on pages: the whole to organisers, what may be shown to the team, the keys to all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate
from sqlalchemy import select

from portal.db.tables import AuditEntry, Result
from portal.domain.audit import Action
from portal.files.seals import check, new_key, read_public_key, read_sealer
from portal.web.app import create_app
from tests.support.web.site import Site


@pytest.fixture
def sealed(site: Site, tmp_path: Path) -> Site:
    """Let the result of Ada's submission be signed by a key that the site publishes."""
    new_key(tmp_path / "key")
    sealer = read_sealer(tmp_path / "key")
    with site.context.database.writing() as session:
        result = session.scalars(select(Result)).one()
        result.envelope = sealer.seal("urn:test", {"scores": {"accuracy": 0.912345}}, {})
        result.team_envelope = sealer.seal("urn:test", {"day": "2026-11-24"}, {})
    keys = (read_public_key(tmp_path / "key.pub"),)
    site.change(seal_keys=keys)
    return replace(site, app=create_app(site.served))


def looks(site: Site) -> int:
    with site.context.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.SEALED_LOOKED_AT)
        )
        return len(rows.all())


def test_only_those_who_may_have_the_command_are_told_of_it(sealed: Site) -> None:
    address = f"/submissions/{sealed.submission_id}"

    team = sealed.browser(sealed.ada).get(address).text
    organiser = sealed.browser(sealed.organiser).get(address).text

    assert "the people who run the site can check it" in team
    assert "sealrun verify" not in team
    assert "<code>sealrun verify</code> checks it" in organiser


def test_a_team_gets_its_statement_and_can_check_it(sealed: Site) -> None:
    browser = sealed.browser(sealed.ada)

    answer = browser.get(f"/submissions/{sealed.submission_id}/statement")

    keys = sealed.context.seal_keys
    name = f'attachment; filename="{sealed.submission_id}.statement.json"'
    assert (answer.status_code, answer.headers["content-disposition"]) == (200, name)
    assert check(answer.content, keys).statement["predicate"] == {"day": "2026-11-24"}
    assert looks(sealed) == 0


def test_the_whole_record_is_for_those_who_may_look_and_each_look_is_written_down(
    sealed: Site,
) -> None:
    address = f"/submissions/{sealed.submission_id}/seal"

    refused = sealed.browser(sealed.ada).get(address)
    shown = sealed.browser(sealed.organiser).get(address)

    assert refused.status_code == 404
    assert check(shown.content, sealed.context.seal_keys).statement["predicate"] == {
        "scores": {"accuracy": 0.912345}
    }
    assert looks(sealed) == 1


def test_the_page_leads_to_what_its_reader_may_have(sealed: Site) -> None:
    address = f"/submissions/{sealed.submission_id}"

    team = sealed.browser(sealed.ada).get(address).text
    organiser = sealed.browser(sealed.organiser).get(address).text

    assert f'href="{address}/statement"' in team
    assert f'href="{address}/seal"' not in team
    assert f'href="{address}/seal"' in organiser


def test_the_keys_are_published(sealed: Site) -> None:
    [key] = sealed.context.seal_keys

    told = json.loads(sealed.browser().get("/seal-keys").text)

    assert told == {"keys": [{"keyid": key.id, "pem": key.pem}]}


def test_without_a_signature_there_is_nothing_to_have(site: Site) -> None:
    browser = site.browser(site.ada)

    answer = browser.get(f"/submissions/{site.submission_id}/statement")

    assert answer.status_code == 404
    assert "/statement" not in browser.get(f"/submissions/{site.submission_id}").text


def test_all_evidence_comes_as_a_crate_to_those_who_may_look(sealed: Site, tmp_path: Path) -> None:
    address = f"/submissions/{sealed.submission_id}/crate"

    refused = sealed.browser(sealed.ada).get(address)
    shown = sealed.browser(sealed.organiser).get(address)

    (tmp_path / "crate.zip").write_bytes(shown.content)
    crate = ROCrate(tmp_path / "crate.zip")
    [seal] = [one for one in crate.data_entities if one.id.endswith("/seal.json")]
    with sealed.context.database.reading() as session:
        noted = session.scalars(
            select(AuditEntry).where(AuditEntry.action == Action.EVIDENCE_EXPORTED)
        ).all()
    assert refused.status_code == 404
    assert shown.headers["content-type"] == "application/zip"
    assert check(Path(seal.source).read_bytes(), sealed.context.seal_keys).statement["predicate"]
    assert len(crate.get_by_type("CreateAction")) == 2
    assert [entry.subject_id for entry in noted] == [sealed.submission_id]
