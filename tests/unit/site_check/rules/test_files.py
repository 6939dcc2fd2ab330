"""Settings, database, storage and SSH: what can be seen on the portal's machine alone."""

import os
import shutil
from pathlib import Path

import pytest

from portal import bootstrap
from portal.db import schema
from portal.db.engine import open_database
from portal.domain.site.findings import Finding, Level
from portal.files.seals import new_key
from portal.site_check.rules import database, settings, ssh, storage
from portal.site_check.rules.filesystems import filesystem_of, is_shared
from portal.site_check.target import Subject
from scheduler.errors import HostKeyRefusedError, TransportDownError
from scheduler.transport import Finished
from tests.unit.site_check.subjects import MakeSubject


def with_tables(url: str) -> None:
    database = open_database(url)
    schema.upgrade(database)
    database.engine.dispose()


def by_id(findings: list[Finding]) -> dict[str, Finding]:
    return {one.id: one for one in findings}


def test_settings_that_cannot_be_read_are_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site:\n  name: X\n  colour: red\n", encoding="utf-8")

    site, found = settings.load(file, bootstrap.check_adapters())

    assert site is None
    assert {one.level for one in found} == {Level.FAILURE}
    assert ("site.colour", f"{file}:3") in {(one.subject, one.change) for one in found}


def test_settings_that_are_not_there_are_a_finding(tmp_path: Path) -> None:
    site, found = settings.load(tmp_path / "site.yaml", bootstrap.check_adapters())

    assert (site, [one.id for one in found]) == (None, ["settings.load"])


PROVIDER = {
    "id": "campus",
    "title": "Campus",
    "issuer": "https://login.example.org",
    "client_id": "sealrun",
    "client_secret_file": "secret",
}


@pytest.mark.parametrize(
    ("mode", "level", "change"),
    [(0o600, Level.OK, ""), (0o644, Level.FAILURE, "chmod 600 {}")],
)
def test_a_secret_that_everybody_can_read_is_a_failure(
    make_subject: MakeSubject, tmp_path: Path, mode: int, level: Level, change: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n", encoding="ascii")
    secret.chmod(mode)
    subject = make_subject(login={"providers": [PROVIDER]})

    found = by_id(list(settings.check(subject)))["settings.secrets"]

    assert (found.subject, found.level, found.change) == (
        "login campus",
        level,
        change.format(secret),
    )
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    ("kind", "level"), [("public", Level.OK), ("private", Level.FAILURE), ("none", Level.FAILURE)]
)
def test_a_public_key_that_is_none_is_a_failure(
    make_subject: MakeSubject, tmp_path: Path, kind: str, level: Level
) -> None:
    new_key(tmp_path / "private")
    (tmp_path / "private.pub").rename(tmp_path / "public")
    subject = make_subject(images={"sif": "signed", "keys": [str(tmp_path / kind)]})

    found = by_id(list(settings.check(subject)))["settings.public_keys"]

    assert (found.subject, found.level) == ("images.keys", level)
    assert str(tmp_path / kind) in found.found
    assert "PRIVATE" not in found.found


def test_a_busybox_that_needs_a_loader_makes_no_probe(make_subject: MakeSubject) -> None:
    dynamic = shutil.which("tar")

    found = by_id(list(settings.check(make_subject(probe={"busybox": dynamic}))))

    assert found["settings.probe"].level is Level.FAILURE


def test_a_database_file_that_is_not_there_is_not_made(subject: Subject, tmp_path: Path) -> None:
    (found,) = database.check(subject)

    assert (found.id, found.level, found.change) == (
        "database.reachable",
        Level.FAILURE,
        "run: sealrun db upgrade",
    )
    assert not (tmp_path / "sealrun.db").exists()


def test_a_sqlite_database_is_looked_at(subject: Subject, tmp_path: Path) -> None:
    file = tmp_path / "sealrun.db"
    with_tables(f"sqlite:///{file}")
    file.chmod(0o600)

    found = by_id(list(database.check(subject)))

    assert {id_: one.level for id_, one in found.items()} == dict.fromkeys(
        (
            *("database.reachable", "database.schema", "database.journal", "database.place"),
            *("database.mode", "database.guards", "database.log"),
        ),
        Level.OK,
    )


def test_a_sqlite_database_without_tables_misses_migrations(
    subject: Subject, tmp_path: Path
) -> None:
    (tmp_path / "sealrun.db").touch()

    found = by_id(list(database.check(subject)))

    assert found["database.schema"].level is Level.FAILURE


@pytest.mark.postgres
def test_a_postgresql_database_is_looked_at(
    make_subject: MakeSubject, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_server").new_database()
    with_tables(url)

    found = by_id(list(database.check(make_subject(database={"url": url}))))

    assert {one.level for one in found.values()} == {Level.OK}
    assert found["database.release"].found.startswith("PostgreSQL ")


def test_a_database_that_does_not_answer_is_named(make_subject: MakeSubject) -> None:
    url = "postgresql+psycopg://nobody@localhost:1/none"

    (found,) = database.check(make_subject(database={"url": url}))

    assert (found.id, found.level) == ("database.reachable", Level.FAILURE)
    assert "Connection refused" in found.found


MOUNTS = """\
22 1 0:1 / / rw - ext4 /dev/root rw
23 22 0:2 / /srv rw - nfs4 server:/srv rw
24 23 0:3 / /srv/local\\040disk rw - xfs /dev/b rw
"""


@pytest.mark.parametrize(("path", "kind"), [("/srv", "nfs4"), ("/", "ext4")])
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS, encoding="ascii")

    assert filesystem_of(Path(path), mounts) == kind


def test_network_file_systems_are_told_from_local_ones() -> None:
    kinds = [
        "nfs4",
        "lustre",
        "fuse.sshfs",
        "ext4",
        "xfs",
        "overlay",
        "tmpfs",
        "fuse.fuse-overlayfs",
    ]

    assert [kind for kind in kinds if is_shared(kind)] == ["nfs4", "lustre", "fuse.sshfs"]


def test_a_storage_that_keeps_its_word_has_nothing_wrong(subject: Subject) -> None:
    folder = subject.cluster.storage
    folder.mkdir(mode=0o750)

    found = by_id(list(storage.check(subject)))

    # pytest's own folders are below /tmp, which jobs have for themselves.
    assert {id_ for id_, one in found.items() if one.level is not Level.OK} <= {"storage.place"}
    assert found.keys() == {rule.id for rule in storage.RULES}
    assert list(folder.iterdir()) == []


def test_a_storage_that_everybody_can_enter_is_a_failure(subject: Subject) -> None:
    folder = subject.cluster.storage
    folder.mkdir()
    folder.chmod(0o755)

    found = by_id(list(storage.check(subject)))["storage.closed"]

    assert (found.level, found.change) == (Level.FAILURE, f"chmod 750 {folder}")


def test_a_storage_that_is_not_there_is_named(subject: Subject) -> None:
    (found,) = storage.check(subject)

    assert (found.id, found.level, found.change) == (
        "storage.exists",
        Level.FAILURE,
        "site.yaml: clusters.main.storage",
    )


def test_a_storage_that_is_too_small_is_a_warning(make_subject: MakeSubject) -> None:
    subject = make_subject(limits={"upload": "1000T"})
    subject.cluster.storage.mkdir(mode=0o750)

    found = by_id(list(storage.check(subject)))["storage.space"]

    assert found.level is Level.WARNING


class Answering:
    """A host that lets us in, or does not."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal

    def run(self, argv: object, **_: object) -> Finished:
        if self.refusal is not None:
            raise self.refusal
        return Finished(returncode=0, stdout=b"", stderr=b"")


def with_keys(
    tmp_path: Path, *, mode: int = 0o600, hosts: str = "login1 ssh-ed25519 AAAA\n"
) -> None:
    (tmp_path / "key").touch()
    (tmp_path / "key").chmod(mode)
    (tmp_path / "hosts").write_text(hosts, encoding="ascii")


def test_a_way_that_works_has_nothing_wrong(subject: Subject, tmp_path: Path) -> None:
    with_keys(tmp_path)

    found = by_id(list(ssh.check(subject, Answering())))

    assert {one.level for one in found.values()} == {Level.OK}
    assert found.keys() == {rule.id for rule in ssh.RULES}


def test_a_key_that_others_can_read_is_a_failure(subject: Subject, tmp_path: Path) -> None:
    with_keys(tmp_path, mode=0o640)

    found = by_id(list(ssh.check(subject, Answering())))["ssh.key"]

    assert (found.level, found.change) == (Level.FAILURE, f"chmod 600 {tmp_path / 'key'}")


def test_a_host_that_is_not_known_is_named_with_the_line(subject: Subject, tmp_path: Path) -> None:
    with_keys(tmp_path, hosts="login2 ssh-ed25519 AAAA\n")

    found = by_id(
        list(ssh.check(subject, Answering(HostKeyRefusedError("no key of login1 is known"))))
    )

    assert found["ssh.known_hosts"].change == (
        f"{tmp_path / 'hosts'}: login1 KEY, from ssh-keyscan -p 22 login1"
    )
    assert found["ssh.connects"].found == "no key of login1 is known"
    assert "ssh.quick" not in found


def test_a_host_that_is_down_is_named(subject: Subject, tmp_path: Path) -> None:
    with_keys(tmp_path)

    found = by_id(list(ssh.check(subject, Answering(TransportDownError("connection refused")))))

    assert (found["ssh.connects"].level, found["ssh.connects"].change) == (
        Level.FAILURE,
        "site.yaml: clusters.main.connect.ssh",
    )


def test_a_local_cluster_needs_no_way(make_subject: MakeSubject) -> None:
    cluster = {"connect": "local", "storage": "storage", "slurm": {}}

    assert list(ssh.check(make_subject(clusters={"main": cluster}), Answering())) == []


def test_root_is_told_not_to_run_it(subject: Subject) -> None:
    found = by_id(list(settings.check(subject)))["settings.account"]

    assert found.level is (Level.FAILURE if os.geteuid() == 0 else Level.OK)
