import re
from datetime import timedelta
from pathlib import Path

import pytest

from site_config.errors import SettingsError
from site_config.site_loader import load_site

SLURM_NAME = "must be a name of letters, digits, '_', '.' and '-', not starting with '-'"
NAME = "must be 1 to 40 of a-z, 0-9 and '-', with no '-' at either end"
HTTPS = "must be an https:// address (http:// only for localhost)"


def test_a_good_file_is_read(site_with):
    site = load_site(site_with())

    assert site.site.url == "https://portal.example"
    assert site.profiles["gpu"].memory == 32 * 1024**3
    assert site.profiles["gpu"].time == timedelta(hours=1)
    assert site.profiles["score"].gres is None
    assert site.data["cells-test"].challenges == ("cell-count",)
    assert site.login.providers[0].staff == {"entitlement": ("staff-a", "staff-b")}
    assert site.clusters["main"].apptainer.minimum == "1.3.6"
    assert site.grace.absent == timedelta(minutes=15)


def test_relative_paths_start_at_the_directory_of_the_file(site_with, tmp_path):
    site = load_site(site_with())

    ssh = site.clusters["main"].connect.ssh
    assert ssh is not None
    assert ssh.key_file == tmp_path / "key"
    assert ssh.known_hosts == Path("/etc/hosts.known")
    assert site.login.providers[0].client_secret_file == tmp_path / "secrets" / "campus"
    assert site.database.url == f"sqlite:///{tmp_path}/sealrun.db"


def test_absolute_and_postgresql_databases_stay_as_they_are(site_with):
    for url in ("sqlite:////var/sealrun.db", "postgresql+psycopg://sealrun@db/sealrun"):
        assert load_site(site_with("sqlite:///sealrun.db", url)).database.url == url


def test_slurms_library_is_used_where_slurm_is(site_with):
    ssh = "connect: {ssh: {host: login1, user: challenge, key_file: key, known_hosts: /etc/hosts.known}}"
    there = "connect: local\n    slurm: {interface: pyslurm}"
    file = site_with(f"{ssh}\n    slurm: {{account: challenges, qos: challenge}}", there)

    assert load_site(file).clusters["main"].slurm.interface == "pyslurm"


def test_slurmrestd_is_named_with_its_token(site_with, tmp_path):
    there = "slurm: {interface: rest, rest: {socket: /run/s, user: challenge, token_file: token}, "

    rest = load_site(site_with("slurm: {", there)).clusters["main"].slurm.rest

    assert rest is not None
    assert rest.model_dump(exclude_none=True) == {
        "socket": Path("/run/s"),
        "user": "challenge",
        "token_file": tmp_path / "token",
    }


def test_a_jump_host_has_a_key_of_its_own(site_with, tmp_path):
    jump = (
        "known_hosts: k, jump: {host: gate, port: 2222, user: sealrun, key_file: j, known_hosts: g}"
    )

    ssh = load_site(site_with("known_hosts: /etc/hosts.known", jump)).clusters["main"].connect.ssh

    assert ssh is not None
    assert ssh.jump is not None
    assert ssh.jump.model_dump() == {
        "host": "gate",
        "port": 2222,
        "user": "sealrun",
        "key_file": tmp_path / "j",
        "known_hosts": tmp_path / "g",
    }


def test_a_jump_host_without_a_pinned_key_is_refused(site_with):
    jump = "known_hosts: k, jump: {host: gate, user: sealrun, key_file: j}"

    with pytest.raises(SettingsError, match=r"jump.known_hosts: is missing"):
        load_site(site_with("known_hosts: /etc/hosts.known", jump))


def test_a_local_cluster_needs_no_login_node(site_with):
    ssh = "{ssh: {host: login1, user: challenge, key_file: key, known_hosts: /etc/hosts.known}}"

    assert load_site(site_with(ssh, "local")).clusters["main"].connect.ssh is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            "database:",
            "databases:",
            "2: databases: is not a setting; did you mean 'database'?",
            id="typo",
        ),
        pytest.param(
            "limits: {upload",
            "limits: {zzz",
            "24: limits.zzz: is not a setting; known here: disk, output, output_files, processes, scratch, upload, weights",
            id="unknown",
        ),
        pytest.param(", time: 20m", "", "19: profiles.score.time: is missing", id="missing"),
        pytest.param(
            "cpus: 2",
            "cpus: two",
            "19: profiles.score.cpus: must be a valid integer, unable to parse string as an integer",
            id="not-a-number",
        ),
        pytest.param(
            "cpus: 2",
            "cpus: 0",
            "19: profiles.score.cpus: must be greater than or equal to 1",
            id="too-small",
        ),
        pytest.param("cpus: 2", "cpus:", "19: profiles.score.cpus: has no value", id="no-value"),
        pytest.param(
            "time: 20m",
            "time: 1:30",
            "19: profiles.score.time: must be a duration with its unit, such as 30s, 20m, 1h30m or"
            " 2d",
            id="sexagesimal",
        ),
        pytest.param(
            "time: 20m",
            "time: 0m",
            "19: profiles.score.time: must be more than nothing",
            id="no-time",
        ),
        pytest.param(
            "memory: 8G",
            "memory: 8GB",
            "19: profiles.score.memory: must be a size such as 500M or 2G (K, M, G and T are powers"
            " of 1024)",
            id="size",
        ),
        pytest.param(
            "partition: cpu",
            "partition: --wrap=x",
            f"19: profiles.score.partition: {SLURM_NAME}",
            id="option-as-partition",
        ),
        pytest.param(
            "qos: challenge",
            "qos: 'a b'",
            f"15: clusters.main.slurm.qos: {SLURM_NAME}",
            id="space-in-qos",
        ),
        pytest.param(
            "account: challenges",
            "account: 'a\n\n  b'",
            f"15: clusters.main.slurm.account: {SLURM_NAME}",
            id="line-end-in-account",
        ),
        pytest.param(
            "gres: gpu:1",
            "gres: 'gpu:1 --x'",
            "18: profiles.gpu.gres: must be a generic resource such as gpu:1 or gpu:a100:2",
            id="gres",
        ),
        pytest.param(
            "host: login1",
            "host: -oProxyCommand=x",
            "14: clusters.main.connect.ssh.host: must be a host name or address",
            id="option-as-host",
        ),
        pytest.param(
            "user: challenge",
            "user: Root!",
            "14: clusters.main.connect.ssh.user: must be the name of a Unix account",
            id="user",
        ),
        pytest.param(
            "user: challenge, ", "", "14: clusters.main.connect.ssh.user: is missing", id="no-user"
        ),
        pytest.param(
            "{ssh: {",
            "{shh: {",
            "14: clusters.main.connect: must be 'local' or {ssh: {host: ..., user: ..., ...}}",
            id="connect",
        ),
        pytest.param(
            "slurm: {",
            "slurm: {interface: rest, ",
            "15: clusters.main.slurm: must have 'rest: {...}' with 'interface: rest', and only then",
            id="rest-without-its-block",
        ),
        pytest.param(
            "slurm: {",
            "slurm: {rest: {socket: s, user: challenge, token_file: t}, ",
            "15: clusters.main.slurm: must have 'rest: {...}' with 'interface: rest', and only then",
            id="rest-beside-commands",
        ),
        pytest.param(
            "slurm: {",
            "slurm: {interface: rest, rest: {user: challenge, token_file: t}, ",
            "15: clusters.main.slurm.rest: must have either 'url' or 'socket'",
            id="rest-nowhere",
        ),
        pytest.param(
            "slurm: {",
            "slurm: {interface: rest, rest: {url: 'http://ctl:6820', user: u, token_file: t}, ",
            f"15: clusters.main.slurm.rest.url: {HTTPS}",
            id="rest-in-clear",
        ),
        pytest.param(
            "slurm: {",
            "slurm: {interface: pyslurm, ",
            "13: clusters.main: 'interface: pyslurm' uses Slurm's library here: write 'connect: local'",
            id="pyslurm-elsewhere",
        ),
        pytest.param(
            "cluster: main, partition: gpu",
            "cluster: other, partition: gpu",
            "18: profiles.gpu.cluster: there is no cluster 'other'",
            id="no-such-cluster",
        ),
        pytest.param(
            "cluster: main, partition: gpu",
            "cluster: main, sample: cpu, partition: gpu",
            "18: profiles.gpu.sample: there is no profile 'cpu' to run on samples with",
            id="no-sample-profile",
        ),
        pytest.param(
            "  build: {cluster: main,",
            "  build: {cluster: main, nodes: racks,",
            "20: profiles.build.nodes: profile 'score' has the same partition and other nodes, 'cpu'",
            id="torn-partition",
        ),
        pytest.param(
            "gpu: {cluster: main,",
            "gpu: {cluster: main, architecture: arm64,",
            "18: profiles.gpu.architecture: images are built for amd64 on this cluster, in its build"
            " profile",
            id="other-processors",
        ),
        pytest.param(
            "  build: {",
            "  builds: {",
            "13: clusters.main.build: there is no profile 'build' to build with",
            id="no-build-profile",
        ),
        pytest.param("cells-test:", "Cells:", f"22: data.Cells: {NAME}", id="name"),
        pytest.param(
            "challenges: [cell-count]",
            "challenges: [cell-count, ../x]",
            f"22: data.cells-test.challenges[1]: {NAME}",
            id="slug",
        ),
        pytest.param(
            "url: https://portal.example/",
            "url: http://portal.example/",
            f"1: site.url: {HTTPS}",
            id="plain-http",
        ),
        pytest.param(
            "issuer: https://idp.example",
            "issuer: https://user:pass@idp.example",
            f"7: login.providers[0].issuer: {HTTPS}",
            id="credentials-in-address",
        ),
        pytest.param(
            "client_secret_file: secrets/campus",
            "client_secret: hunter2",
            "9: login.providers[0].client_secret: is not a setting; did you mean"
            " 'client_secret_file'?",
            id="secret-in-the-file",
        ),
        pytest.param(
            "staff: {entitlement: [staff-a, staff-b]}",
            "staff: {entitlement: []}",
            "11: login.providers[0].staff.entitlement: must be the value that the claim must have,"
            " or a list of values",
            id="no-claim-value",
        ),
        pytest.param(
            "sqlite:///sealrun.db",
            "mysql://x",
            "2: database.url: must start with sqlite:/// or postgresql+psycopg://",
            id="database",
        ),
        pytest.param(
            "sqlite:///sealrun.db",
            "sqlite:///",
            "2: database.url: must start with sqlite:/// or postgresql+psycopg://",
            id="database-in-memory",
        ),
        pytest.param(
            "name: Example HPC",
            'name: "a\\nb"',
            "1: site.name: must be one line of 1 to 200 letters",
            id="title",
        ),
    ],
)
def test_one_mistake_is_one_line(site_with, old, new, problem):
    file = site_with(old, new)
    missing = {
        "2: databases: is not a setting; did you mean 'database'?": "1: database: is missing"
    }
    expected = [problem, missing[problem]] if problem in missing else [problem]
    if "client_secret:" in problem:
        expected.append("5: login.providers[0].client_secret_file: is missing")

    with pytest.raises(SettingsError) as caught:
        load_site(file)

    assert sorted(str(caught.value).splitlines()) == sorted(f"{file}:{line}" for line in expected)


def test_all_mistakes_are_named_at_once(site_with):
    file = site_with("cpus: 2, memory: 8G, time: 20m", "cpus: 0, memory: 8, time: 20")

    with pytest.raises(SettingsError) as caught:
        load_site(file)

    assert [problem.key for problem in caught.value.problems] == [
        "profiles.score.cpus",
        "profiles.score.time",
    ]


def test_two_providers_need_two_ids(site_with):
    provider = (
        "    - {id: campus, title: T, issuer: https://i.example, client_id: c,"
        " client_secret_file: f}\nclusters:"
    )
    file = site_with("clusters:", provider)

    with pytest.raises(SettingsError) as caught:
        load_site(file)

    assert str(caught.value) == (
        f"{file}:4: login.providers: must have a different id for each provider"
    )


@pytest.mark.parametrize("images", ["{sif: signed}", "{keys: [key.pem]}"])
def test_keys_and_the_wish_for_signatures_belong_together(site_with, images):
    with pytest.raises(SettingsError) as caught:
        load_site(site_with("profiles:", f"images: {images}\nprofiles:"))

    assert [str(problem).split(": ", 1)[1] for problem in caught.value.problems] == [
        "images: keys belong to 'sif: signed', and that needs at least one"
    ]


def test_a_build_profile_of_another_cluster_is_refused(site_with):
    other = "  other: {connect: local, storage: /other}\nprofiles:"

    with pytest.raises(SettingsError) as caught:
        load_site(site_with("profiles:", other))

    assert [str(problem).split(": ", 1)[1] for problem in caught.value.problems] == [
        "clusters.other.build: profile 'build' is on another cluster"
    ]


def _mail(site_with, settings: str):
    return load_site(site_with("limits: {upload", f"mail: {{{settings}}}\nlimits: {{upload")).mail


@pytest.mark.parametrize(
    ("settings", "security", "port"),
    [
        ("host: smtp.x.example, from: a@x.example", "starttls", 587),
        ("host: smtp.x.example, from: a@x.example, security: tls, port: 465", "tls", 465),
        ("host: localhost, from: a@x.example, security: plain, port: 25", "plain", 25),
        ("host: relay, from: a@x, security: plain, plain_elsewhere: true", "plain", 587),
    ],
)
def test_mail_is_sent_through_a_named_server(site_with, settings, security, port):
    mail = _mail(site_with, settings)

    assert mail is not None
    assert (mail.security, mail.port, mail.per_minute) == (security, port, 60)
    assert mail.sender.startswith("a@x")


def test_a_site_without_the_section_sends_no_mail(site_with):
    assert load_site(site_with()).mail is None


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("host: relay, from: a@x, security: plain", "'security: plain' is for this machine"),
        ("host: relay, from: a@x, plain_elsewhere: true", "belongs to 'security: plain'"),
        ("host: relay, from: a@x, user: me", "'user' and 'password_file' belong together"),
        (
            "host: relay, from: a@x, security: plain, plain_elsewhere: true, user: me, password_file: p",
            "a password is not sent to another machine unprotected",
        ),
        ("host: relay", "mail.from"),
        ('host: relay, from: "a@x\\r\\nBcc: b@y"', "must be an address such as"),
        ("host: relay, from: Me <a@x>", "must be an address such as"),
        ("host: relay, from: a@x, per_minute: 0", "mail.per_minute"),
        ("host: -oProxy, from: a@x", "mail.host"),
    ],
)
def test_mail_that_would_go_astray_is_refused(site_with, settings, problem):
    with pytest.raises(SettingsError, match=re.escape(problem)):
        _mail(site_with, settings)
