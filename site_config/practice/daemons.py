"""The plan for the site's init: which daemons run, in which order, and when each counts as ready."""

from dataclasses import dataclass

from site_config.practice.machine.accounts import ACCOUNT_NAME
from site_config.practice.root.releases import Release

REST_PORT = 6820
REST_SOCKET = "slurmrestd.socket"
_REST_FOLDER = "/run/slurmrestd"
REST_USER = "slurmrestd"
SLURM_ACCOUNT = "challenges"
QOS = "challenge"
LIBRARY = "/usr/local/lib/practice"

_SERVING = ["idle", "mixed", "allocated", "completing"]
# Refused at once when too large (DenyOnLimit), instead of waiting in the queue for ever.
_QOS_LIMITS = (
    "Flags=DenyOnLimit",
    "MaxSubmitJobsPerUser=2000",
    "MaxWall=01:00:00",
    "MaxTRESPerJob=gres/gpu=1,node=1",
    "GrpTRES=gres/gpu={gpus}",
)

Step = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The site's two nodes and what they offer; memory in MiB."""

    cluster: str
    gpus: int = 2
    cpus: int
    memory_mib: int

    @property
    def gpu(self) -> str:
        """The node with GPUs."""
        return f"{self.cluster}-gpu"

    @property
    def build(self) -> str:
        """The node without."""
        return f"{self.cluster}-build"


def _as_user(user: str, *argv: str) -> list[str]:
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--init-groups",
        "--inh-caps=-all",
        *argv,
    ]


def _daemon(
    name: str,
    argv: list[str],
    ready: dict[str, object],
    *,
    before: list[Step] | None = None,
    after: list[Step] | None = None,
    environment: dict[str, str] | None = None,
    umask: int = 0o022,
) -> dict[str, object]:
    return {
        "name": name,
        "argv": argv,
        "ready": {"seconds": 60.0} | ready,
        "before": before or [],
        "after": after or [],
        "environment": environment or {},
        "umask": umask,
    }


def _database() -> dict[str, object]:
    statements = (
        "create database if not exists slurm_acct_db;"
        "create user if not exists slurm@localhost identified via unix_socket;"
        "grant all on slurm_acct_db.* to slurm@localhost"
    )
    install = ["mariadb-install-db", "--user=mysql", "--skip-test-db", "--skip-name-resolve"]
    return _daemon(
        "mariadbd",
        _as_user("mysql", "mariadbd"),
        {"argv": ["mariadb-admin", "ping"]},
        before=[{"argv": install, "unless": "/var/lib/mysql/.installed"}],
        after=[{"argv": ["mariadb", "-e", statements]}],
    )


def _credentials() -> dict[str, object]:
    return _daemon("munged", _as_user("munge", "munged", "--foreground"), {"argv": ["munge", "-n"]})


def _manage(*words: str, may_fail: bool = False) -> Step:
    return {"argv": ["sacctmgr", "-iQ", *words], "may_fail": may_fail}


def _accounting(nodes: Nodes) -> dict[str, object]:
    user = ["user", ACCOUNT_NAME]
    return _daemon(
        "slurmdbd",
        _as_user("slurm", "slurmdbd", "-D"),
        {"argv": ["sacctmgr", "-nP", "show", "cluster"]},
        # `add` is refused for what is there already. The last line holds only if all of them were done.
        after=[
            _manage("add", "cluster", nodes.cluster, may_fail=True),
            _manage("add", "qos", QOS, may_fail=True),
            _manage("add", "account", SLURM_ACCOUNT, f"QOS={QOS}", may_fail=True),
            _manage("add", *user, f"account={SLURM_ACCOUNT}", may_fail=True),
            _manage("modify", *user, "set", f"QOS={QOS}", f"DefaultQOS={QOS}"),
        ],
    )


def _controller(nodes: Nodes) -> dict[str, object]:
    limits = [limit.format(gpus=nodes.gpus) for limit in _QOS_LIMITS]
    return _daemon(
        "slurmctld",
        _as_user("slurm", "slurmctld", "-D"),
        {"argv": ["scontrol", "ping"]},
        # Not before: slurmdbd knows of GPUs only when slurmctld has announced them.
        after=[_manage("modify", "qos", QOS, "set", *limits)],
    )


def _slurmd(kind: str, node: str, *, hidden: tuple[str, ...] = ()) -> dict[str, object]:
    # A mount namespace each: the private /tmp folders of one node's jobs are not the other's, and neither
    # are its devices.
    options = [f"--hide={file}" for file in hidden]
    argv = ["python3", "-I", f"{LIBRARY}/own_mounts.py", *options, "slurmd", "-D", "-N", node]
    ready: dict[str, object] = {"argv": ["sinfo", "-h", "-n", node, "-o", "%T"], "words": _SERVING}
    return _daemon(f"slurmd-{kind}", argv, ready)


def _rest(release: Release, address: str) -> dict[str, object]:
    argv = _as_user(
        REST_USER, "slurmrestd", "-a", "rest_auth/jwt", "-s", release.rest_services,
        f"unix:{_REST_FOLDER}/{REST_SOCKET}", f"127.0.0.1:{REST_PORT}", f"{address}:{REST_PORT}",
    )  # fmt: skip
    # SLURM_JWT=daemon: it acts for whoever brings a token, and has no identity of its own to lend. The
    # socket is for everybody, as the port is: what counts is the token.
    return _daemon(
        "slurmrestd",
        argv,
        {"connect": [address, REST_PORT]},
        environment={"SLURM_JWT": "daemon"},
        umask=0,
    )


def plan(nodes: Nodes, address: str, release: Release) -> dict[str, object]:
    """Return the plan as init reads it; *address* is the site's end of the cable."""
    daemons = [
        _daemon("sshd", ["/usr/sbin/sshd", "-D", "-e"], {"connect": [address, 22]}),
        *([_credentials()] if release.has_munge else []),
        _database(),
        _accounting(nodes),
        _controller(nodes),
        _slurmd("gpu", nodes.gpu),
        _slurmd("build", nodes.build, hidden=tuple(f"/dev/nvidia{n}" for n in range(nodes.gpus))),
        _rest(release, address),
    ]
    return {"daemons": daemons}
