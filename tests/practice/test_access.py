"""How the portal reaches the site, and what nobody reaches."""

import subprocess
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from site_config.practice.site import PracticeSite
from tests.support.cluster.inside import Inside

pytestmark = pytest.mark.cluster


def ssh(
    site: PracticeSite,
    *words: str,
    user: str = "challenge",
    key: str = "id_ed25519",
    known_hosts: str = "",
) -> subprocess.CompletedProcess[str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known_hosts or str(site.paths.ssh / "known_hosts"),
        "IdentitiesOnly": "yes",
    }
    argv = [
        "ssh",
        "-F",
        "none",
        "-i",
        str(site.paths.ssh / key),
        *(f"-o{name}={value}" for name, value in options.items()),
    ]
    return subprocess.run(
        [*argv, f"{user}@{site.status().address}", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def rest(site: PracticeSite, path: str, token: str) -> int:
    headers = {"X-SLURM-USER-NAME": "challenge"} | ({"X-SLURM-USER-TOKEN": token} if token else {})
    with closing(HTTPConnection(site.status().address, 6820, timeout=10)) as connection:
        connection.request("GET", f"/slurm/v0.0.42/{path}", headers=headers)
        return connection.getresponse().status


def test_ssh_with_the_pinned_key_is_the_account(site: PracticeSite) -> None:
    done = ssh(site, "id", "-un")

    assert (done.returncode, done.stdout) == (0, "challenge\n"), done.stderr


def test_ssh_with_the_operators_key_is_root(site: PracticeSite) -> None:
    done = ssh(site, "practice-daemon", "status", user="root", key="operator_ed25519")

    assert (done.returncode, '"state": "ready"' in done.stdout) == (0, True), done.stderr


def test_the_accounts_key_does_not_open_root(site: PracticeSite) -> None:
    assert "Permission denied (publickey)" in ssh(site, "true", user="root").stderr


def test_another_host_key_is_noticed(site: PracticeSite, tmp_path: Path) -> None:
    pinned = tmp_path / "known_hosts"
    key = (site.paths.ssh / "id_ed25519.pub").read_text(encoding="ascii").split()[1]
    line = f"{site.status().address} ssh-ed25519 {key}\n"
    pinned.write_text(line, encoding="ascii")

    assert "Host key verification failed" in ssh(site, "true", known_hosts=str(pinned)).stderr


def test_slurmrestd_asks_for_a_token(site: PracticeSite) -> None:
    token = (site.paths.secrets / "slurm-token").read_text(encoding="ascii").strip()

    forged = token[:-8] + token[-8:][::-1]
    assert [rest(site, "jobs/", each) for each in (token, "", forged)] == [200, 401, 511]


def test_slurmrestd_and_the_other_daemons_are_not_root(inside: Inside) -> None:
    told = inside.run("ps", "-eo", "comm=,user=", user="root").stdout
    owners = {tuple(line.split()) for line in told.splitlines()}

    assert {
        ("slurmrestd", "slurmrestd"),
        ("slurmctld", "slurm"),
        ("slurmdbd", "slurm"),
        ("mariadbd", "mysql"),
    } <= owners


def test_nothing_inside_leads_outside(site: PracticeSite, inside: Inside) -> None:
    routes = inside.run("ip", "-4", "route").stdout.splitlines()
    names = inside.run(
        "python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 9), timeout=3)"
    )

    assert [line.split()[2] for line in routes] == ["site0"]
    assert "Network is unreachable" in names.stderr


def test_the_account_cannot_stop_daemons_or_read_keys(inside: Inside) -> None:
    tried = [
        inside.run("practice-daemon", "stop", "slurmctld"),
        inside.run("cat", "/etc/slurm/slurm.key"),
        inside.run("cat", "/etc/slurm/jwt_hs256.key"),
        inside.run("mariadb", "slurm_acct_db"),
    ]

    assert [done.returncode == 0 for done in tried] == [False] * 4


def test_files_for_the_portal_belong_to_its_account_only(site: PracticeSite) -> None:
    paths = site.paths
    for_the_web = paths.secrets / "oidc-client"
    files = [*paths.ssh.glob("*ed25519"), paths.ssh / "known_hosts", *paths.secrets.iterdir()]
    files.remove(for_the_web)
    files.remove(paths.secrets / "seal-key.pub")
    folders = [paths.storage, paths.data, paths.portal, paths.ssh, paths.secrets]

    assert {(path.stat().st_uid, path.stat().st_mode & 0o777) for path in files} == {(20301, 0o600)}
    assert for_the_web.stat().st_mode & 0o777 == 0o640
    assert [(path.stat().st_uid, oct(path.stat().st_mode & 0o7777)) for path in folders] == [
        (20301, "0o750"),
        (20301, "0o700"),
        (20301, "0o2770"),
        (20301, "0o700"),
        (20301, "0o750"),
    ]


def test_the_shared_folder_is_at_the_same_path_on_both_sides(
    site: PracticeSite, inside: Inside
) -> None:
    file = site.paths.storage / "both-sides"

    assert inside.run("sh", "-c", f"echo inside > {file}").returncode == 0
    assert (file.read_text(encoding="ascii"), file.stat().st_uid) == ("inside\n", 20301)


def test_site_yaml_points_at_files_that_exist(site: PracticeSite) -> None:
    settings = yaml.safe_load(site.paths.site_yaml.read_text(encoding="utf-8"))

    connect = settings["clusters"]["main"]["connect"]["ssh"]
    secret = settings["login"]["providers"][0]["client_secret_file"]
    assert (connect["host"], connect["port"], connect["user"]) == (
        site.status().address,
        22,
        "challenge",
    )
    assert all(
        Path(path).is_file() for path in (connect["key_file"], connect["known_hosts"], secret)
    )
    assert Path(settings["clusters"]["main"]["storage"]).is_dir()
