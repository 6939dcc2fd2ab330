"""The templates, and the decisions that need no site."""

import ipaddress
import re
import sys
from pathlib import Path
from string import Template

import pytest
import yaml

from site_config.practice.configuration import (
    _TARGETS,
    _TEMPLATES,
    nodes_of,
    render,
    template_values,
)
from site_config.practice.daemons import plan
from site_config.practice.errors import PracticeError
from site_config.practice.inside.health import drained_for_nothing
from site_config.practice.machine.accounts import FALLBACK_UID, Account, choose_account
from site_config.practice.machine.cgroups import cgroup_plugin, sweep
from site_config.practice.machine.files import remove_tree, write_file
from site_config.practice.machine.hosts import choose_mirror, sudo_command
from site_config.practice.machine.networks import POOL, cable_for, choose_network
from site_config.practice.paths import SitePaths
from site_config.practice.root.recipe import Recipe
from site_config.practice.root.releases import (
    DEFAULT_RELEASE,
    RELEASE_NAMES,
    RELEASES,
    Release,
    release_named,
)
from site_config.practice.site_file import DataFolder, as_text, site_yaml

HOME = Path("/srv/practice/one")
SLICE = ipaddress.IPv4Network("192.0.2.8/30")
CABLE = cable_for(str(HOME), SLICE)
USUAL = release_named(DEFAULT_RELEASE)


@pytest.mark.parametrize("release", RELEASES, ids=RELEASE_NAMES)
@pytest.mark.parametrize("name", sorted(_TARGETS))
def test_every_template_is_filled_in_completely(name: str, release: Release) -> None:
    text = render(name, template_values(nodes_of("one"), CABLE, "cgroup/v2", release))

    assert re.findall(r"\$\{?\w", text) in ([], ["${"])
    assert not re.search(r"^\s*#?\s*\w+=\s*$", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(_TARGETS))
def test_every_template_begins_with_what_it_is_for(name: str) -> None:
    lines = (_TEMPLATES / name).read_text(encoding="utf-8").splitlines()

    settings = [line for line in lines if line and not line.startswith(("#", "["))]
    comments = [line for line in lines if line.startswith("#")]
    assert lines[0].startswith("# ")
    assert len(comments) * 3 >= len(settings)


def test_the_templates_use_every_value(tmp_path: Path) -> None:
    used: set[str] = set()
    for name in _TARGETS:
        used |= set(Template((_TEMPLATES / name).read_text(encoding="utf-8")).get_identifiers())

    assert used == set(template_values(nodes_of("one"), CABLE, "cgroup/v1", USUAL))


def test_cgroup_conf_asks_no_systemd_on_cgroup_v2() -> None:
    values = [
        template_values(nodes_of("one"), CABLE, plugin, USUAL)
        for plugin in ("cgroup/v1", "cgroup/v2")
    ]

    assert ["IgnoreSystemd=yes" in render("cgroup.conf", each) for each in values] == [False, True]


@pytest.mark.parametrize(
    ("present", "plugin"),
    [
        pytest.param(["cgroup.controllers"], "cgroup/v2", id="pure v2"),
        pytest.param(
            ["memory/", "devices/", "cpuset/", "freezer/", "unified/"], "cgroup/v1", id="hybrid"
        ),
    ],
)
def test_the_cgroup_plugin_follows_what_is_mounted(
    tmp_path: Path, present: list[str], plugin: str
) -> None:
    for name in present:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()

    assert cgroup_plugin(tmp_path) == plugin


def test_no_cgroups_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PracticeError, match="no usable cgroups"):
        cgroup_plugin(tmp_path)


def test_sweep_removes_the_sites_empty_cgroups_only(tmp_path: Path) -> None:
    for name in ("slurm_a-gpu/uid_1/job_2", "slurm_b-gpu/uid_1"):
        (tmp_path / "memory" / name).mkdir(parents=True)

    sweep("a", ("a-gpu", "a-build"), tmp_path)

    assert [path.name for path in (tmp_path / "memory").iterdir()] == ["slurm_b-gpu"]


@pytest.mark.parametrize(
    ("asked", "recorded", "environment", "account"),
    [
        pytest.param(
            20301, Account(uid=5000, gid=5000), {}, Account(uid=20301, gid=20301), id="asked for"
        ),
        pytest.param(
            None,
            Account(uid=5000, gid=5001),
            {"SUDO_UID": "4000"},
            Account(uid=5000, gid=5001),
            id="as before",
        ),
        pytest.param(
            None,
            None,
            {"SUDO_UID": "44000", "SUDO_GID": "44001"},
            Account(uid=44000, gid=44001),
            id="sudo",
        ),
    ],
)
def test_the_account_is_chosen(
    asked: int | None, recorded: Account | None, environment: dict[str, str], account: Account
) -> None:
    assert choose_account(asked, recorded, environment) == account


def test_plain_root_gets_the_fallback_account(root: None) -> None:
    assert choose_account(None, None, {"SUDO_UID": "0"}) == Account(
        uid=FALLBACK_UID, gid=FALLBACK_UID
    )


@pytest.mark.parametrize("uid", [0, 33, 65534])
def test_a_system_id_is_refused(uid: int) -> None:
    with pytest.raises(PracticeError, match="must be an ordinary one"):
        choose_account(uid, None, {})


def test_a_network_is_kept_when_free_and_never_overlaps() -> None:
    taken = [ipaddress.IPv4Network("192.0.2.0/24"), ipaddress.IPv4Network("198.51.100.0/25")]

    kept = choose_network(str(HOME), [], preferred=SLICE)
    moved = choose_network(str(HOME), taken, preferred=SLICE)

    assert kept == SLICE
    assert (moved.prefixlen, any(moved.overlaps(other) for other in taken)) == (30, False)


def test_a_full_pool_is_an_error() -> None:
    with pytest.raises(PracticeError, match="no four addresses"):
        choose_network(str(HOME), list(POOL))


def test_the_mirror_is_the_archive_and_not_an_addition_to_it() -> None:
    lines = (
        "http://example.org/debian-security/|bookworm-security|main\n"
        "http://example.org/apt|bookworm|main\n"
        "http://example.org/debian/|bookworm|contrib\n"
        "http://example.org/debian/|bookworm|main\n"
    )

    assert (choose_mirror(lines), choose_mirror("http://example.org/ubuntu/|noble|main\n")) == (
        "http://example.org/debian",
        None,
    )


@pytest.mark.parametrize(
    "directory",
    ["/tmp/x", "/var/tmp/x", "relative", "/srv/a:b", "/srv/a b"],  # noqa: S108 (named, not used)
)
def test_a_folder_that_jobs_would_not_see_is_refused(
    monkeypatch: pytest.MonkeyPatch, directory: str
) -> None:
    monkeypatch.setenv("SEALRUN_PRACTICE_DIR", directory)

    with pytest.raises(PracticeError, match="SEALRUN_PRACTICE_DIR"):
        SitePaths.of("one")


def test_the_key_of_a_recipe_changes_with_it() -> None:
    keys = {Recipe().key, Recipe(edition=99).key, Recipe(packages=("slurmd",)).key}

    assert len(keys) == 3
    assert Recipe().key == Recipe().key


def test_each_release_has_a_root_of_its_own() -> None:
    recipes = [Recipe.of(release) for release in RELEASES]

    assert len({recipe.key for recipe in recipes}) == len(RELEASES)
    assert Recipe.of(USUAL) == Recipe()


def test_an_unknown_release_is_named_with_those_that_there_are() -> None:
    with pytest.raises(PracticeError, match=r"no Slurm '19.05' .*; there are 22.05, 24.11, 26.05"):
        release_named("19.05")


@pytest.mark.parametrize(
    ("release", "lines"),
    [
        ("22.05", ["AuthType=auth/munge", "CredType=cred/munge", "JobContainerType=job_container/tmpfs"]),
        ("24.11", ["AuthType=auth/slurm", "CredType=auth/slurm", "JobContainerType=job_container/tmpfs"]),
        ("26.05", ["AuthType=auth/slurm", "CredType=auth/slurm", "NamespaceType=namespace/tmpfs"]),
    ],
)  # fmt: skip
def test_slurm_conf_is_that_of_the_release(release: str, lines: list[str]) -> None:
    values = template_values(nodes_of("one"), CABLE, "cgroup/v1", release_named(release))

    text = render("slurm.conf", values).splitlines()

    kinds = ("AuthType=", "CredType=", "JobContainerType=", "NamespaceType=")
    assert [line for line in text if line.startswith(kinds)] == lines


def test_settings_have_the_data_folders_that_are_added() -> None:
    data = {"cells-test": DataFolder(path="/srv/data/cells", challenges=("cell-count",))}

    settings = yaml.safe_load(as_text(site_yaml(SitePaths(home=HOME), "192.0.2.10", data=data)))

    assert settings["data"] == {
        "cells-test": {"path": "/srv/data/cells", "challenges": ["cell-count"]}
    }
    assert list(settings) == [
        "site", "database", "login", "seal", "clusters", "profiles", "data", "limits", "probe", "worker",
    ]  # fmt: skip
    assert list(settings["profiles"]) == ["gpu-small", "score", "build"]


@pytest.mark.parametrize(
    ("release", "extra"), [("22.05", ["munged"]), ("24.11", []), ("26.05", [])]
)
def test_the_plan_starts_each_daemon_after_what_it_needs(release: str, extra: list[str]) -> None:
    made = plan(nodes_of("one"), "192.0.2.10", release_named(release))

    assert [daemon["name"] for daemon in made["daemons"]] == [
        "sshd",
        *extra,
        "mariadbd",
        "slurmdbd",
        "slurmctld",
        "slurmd-gpu",
        "slurmd-build",
        "slurmrestd",
    ]


def test_a_file_is_replaced_in_one_step_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "f"
    owner = {"uid": tmp_path.stat().st_uid, "gid": tmp_path.stat().st_gid}
    write_file(file, "one", mode=0o600, **owner)
    first = file.stat().st_ino
    write_file(file, "one", mode=0o600, **owner)
    assert file.stat().st_ino == first

    write_file(file, "two", mode=0o640, **owner)

    assert (
        file.read_text(encoding="utf-8"),
        file.stat().st_mode & 0o777,
        file.stat().st_ino == first,
    ) == ("two", 0o640, False)


def test_a_tree_with_a_mount_in_it_is_not_removed() -> None:
    with pytest.raises(PracticeError, match="something is mounted at /proc"):
        remove_tree(Path("/proc"))


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(["/x/bin/sealrun", "practice", "up", "--name", "one"], id="sealrun"),
        pytest.param(
            ["/x/portal/__main__.py", "practice", "up", "--name", "one"], id="python -m portal"
        ),
        pytest.param(
            ["/x/practice/__main__.py", "up", "--name", "one"], id="python -m site_config.practice"
        ),
    ],
)
def test_sudo_repeats_the_command_with_the_sites_variables_only(argv: list[str]) -> None:
    environment = {"SEALRUN_PRACTICE_DIR": "/srv/sites", "PYTHONPATH": "/elsewhere", "SECRET": "x"}

    command = sudo_command("/usr/bin/sudo", argv, environment)

    checkout = Path(__file__).resolve().parents[3]
    assert command[:6] == [
        "/usr/bin/sudo", "-n", "--", "env", "SEALRUN_PRACTICE_DIR=/srv/sites", f"PYTHONPATH={checkout}",
    ]  # fmt: skip
    assert command[6:] == [sys.executable, "-m", "site_config.practice", "up", "--name", "one"]


def test_only_a_node_drained_for_nothing_returns() -> None:
    listing = (
        "one-gpu|Kill task failed\none-gpu|Kill task failed\n"
        "one-build|bad disk [root]\ntwo-gpu|Duplicate jobid\n"
    )

    assert drained_for_nothing(listing) == ["one-gpu", "two-gpu"]
