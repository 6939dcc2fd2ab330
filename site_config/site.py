"""What a sysadmin sets in ``site.yaml``. ``docs/reference/site-settings.md`` is made from this."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from site_config.fields import (
    EmailAddress,
    Gres,
    HostName,
    HttpUrl,
    Identifier,
    Section,
    SitePath,
    SlurmName,
    Title,
    UserName,
    Version,
)
from site_config.login import Login
from site_config.units import Duration, Size
from site_config.value_kinds import Kind

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _database_url(url: str, info: ValidationInfo) -> str:
    if url.startswith("postgresql+psycopg://"):
        return url
    prefix, separator, path = url.partition("sqlite:///")
    if prefix or not separator or not path:
        raise ValueError("must start with sqlite:/// or postgresql+psycopg://")
    directory: Path = (info.context or {}).get("directory", Path())
    return f"sqlite:///{directory / path}"


class About(Section):
    """Who runs the portal and where it is."""

    name: Title = Field(description="Name of the site, shown on every page.")
    url: HttpUrl = Field(description="Address under which browsers reach the portal.")
    support: Title = Field(description="Where people find help: an e-mail address or a web page.")

    @field_validator("url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")


class Database(Section):
    """Where the portal keeps its records."""

    url: Annotated[str, Kind("database address"), AfterValidator(_database_url)] = Field(
        description=(
            "`sqlite:///FILE`, or `postgresql+psycopg://USER@HOST/NAME` with the password in"
            " PostgreSQL's own password file."
        )
    )


class Jump(Section):
    """A host on the way to the login node; its own host key is pinned too."""

    host: HostName = Field(description="Name or address of the host in between.")
    port: int = Field(default=22, ge=1, le=65535, description="Port of its SSH server.")
    user: UserName = Field(description="Account on it.")
    key_file: SitePath = Field(description="Private key of that account.")
    known_hosts: SitePath = Field(description="File with its host key; any other key is refused.")


class Ssh(Section):
    """A login node, reached with a key; its host key is pinned."""

    host: HostName = Field(description="Name or address of the login node.")
    port: int = Field(default=22, ge=1, le=65535, description="Port of its SSH server.")
    user: UserName = Field(description="Account that submits the jobs.")
    key_file: SitePath = Field(description="Private key of that account.")
    known_hosts: SitePath = Field(
        description="File with the node's host key; any other key is refused."
    )
    jump: Jump | None = Field(
        default=None,
        description="Host through which the login node is reached, where there is no direct way.",
    )


class Connect(Section):
    """How the portal reaches Slurm's commands: `local`, or through `ssh`."""

    ssh: Ssh | None = Field(
        default=None, description="Login node. Write `connect: local` for this machine."
    )

    @model_validator(mode="before")
    @classmethod
    def _local_or_ssh(cls, value: object) -> object:
        if value == "local":
            return {}
        if not isinstance(value, dict) or "ssh" not in value:
            raise ValueError("must be 'local' or {ssh: {host: ..., user: ..., ...}}")
        return value


class Rest(Section):
    """slurmrestd, and the account that it is asked for; either `url` or `socket`."""

    url: HttpUrl | None = Field(
        default=None,
        description="Its address. The token goes with every request, so only with TLS or on this machine.",
    )
    socket: SitePath | None = Field(default=None, description="Its Unix socket on this machine.")
    user: UserName = Field(description="Account that submits the jobs; the token is for it.")
    token_file: SitePath = Field(
        description=(
            "File with the token, as `scontrol token` prints it; others must not be able to read it."
            " It is read again whenever it changes."
        )
    )
    ca_file: SitePath | None = Field(
        default=None,
        description="Certificates that are trusted with `url`, where the site has its own authority.",
    )

    @model_validator(mode="after")
    def _one_door(self) -> "Rest":
        if (self.url is None) == (self.socket is None):
            raise ValueError("must have either 'url' or 'socket'")
        return self


class Slurm(Section):
    """How jobs are submitted."""

    interface: Literal["commands", "rest", "pyslurm"] = Field(
        default="commands",
        description=(
            "Way to speak with Slurm: its `commands`; slurmrestd (`rest`, which makes no use of `connect`); or"
            " `pyslurm` (Slurm 25.11, with `connect: local` and the extra `pyslurm`)."
        ),
    )
    account: SlurmName | None = Field(default=None, description="Slurm account that is charged.")
    qos: SlurmName | None = Field(default=None, description="Quality of service of all jobs.")

    rest: Rest | None = Field(default=None, description="slurmrestd, for `interface: rest`.")

    @model_validator(mode="after")
    def _rest_where_it_is_used(self) -> "Slurm":
        if (self.interface == "rest") != (self.rest is not None):
            raise ValueError("must have 'rest: {...}' with 'interface: rest', and only then")
        return self


class Apptainer(Section):
    """What is asked of Apptainer on the nodes."""

    minimum: Version = Field(default="1.3.6", description="Oldest version that may run jobs.")


class Cluster(Section):
    """One Slurm cluster."""

    connect: Connect = Field(description="`local`, or a login node under `ssh`.")
    slurm: Slurm = Field(default=Slurm(), description="How jobs are submitted.")
    storage: SitePath = Field(
        description="Directory that portal and nodes see under the same path: uploads, images, runs."
    )
    files: Literal["shared", "sftp"] = Field(
        default="shared",
        description=(
            "`shared`: the storage is one directory that all of them see. `sftp`: it is a directory of its own on"
            " the portal's machine and another one, at the same path, on the nodes; files are carried over by SFTP."
        ),
    )
    apptainer: Apptainer = Field(
        default=Apptainer(), description="What is asked of Apptainer on the nodes."
    )
    build: Identifier = Field(
        default="build", description="Profile with which images are built on this cluster."
    )
    wheelhouse: SitePath | None = Field(
        default=None,
        description=(
            "Directory of Python wheels, as the nodes see it, from which the `requirements.txt` of code is installed;"
            " without it, none is."
        ),
    )

    @model_validator(mode="after")
    def _library_is_here(self) -> Self:
        if self.slurm.interface == "pyslurm" and self.connect.ssh is not None:
            raise ValueError(
                "'interface: pyslurm' uses Slurm's library here: write 'connect: local'"
            )
        if self.files == "sftp" and self.connect.ssh is None:
            raise ValueError(
                "'files: sftp' goes to a login node: name it under 'connect: {ssh: ...}'"
            )
        return self


class Profile(Section):
    """A named set of Slurm resources that challenges may ask for."""

    cluster: Identifier = Field(description="One of `clusters`.")
    partition: SlurmName = Field(description="Slurm partition.")
    account: SlurmName | None = Field(
        default=None, description="Slurm account, where it differs from the cluster's."
    )
    qos: SlurmName | None = Field(
        default=None, description="Quality of service, where it differs from the cluster's."
    )
    gres: Gres | None = Field(
        default=None, description="Generic resource such as `gpu:1`; without it no GPU is visible."
    )
    cpus: int = Field(ge=1, le=4096, description="Processor cores.")
    memory: Size = Field(description="Main memory of the job.")
    time: Duration = Field(description="Longest run; Slurm counts whole minutes.")
    running: int | None = Field(
        default=None,
        ge=1,
        description="Most jobs of this profile at the same time; no limit without.",
    )
    exclusive: bool = Field(
        default=False,
        description=(
            "Whether each of its jobs has a node for itself (`--exclusive`). Without it, what reads private data and"
            " what tells a team more than scores take turns on the nodes."
        ),
    )
    nodes: Identifier | None = Field(
        default=None,
        description=(
            "A word for the nodes of the partition; the partition's name without. Profiles whose partitions share"
            " nodes must have the same."
        ),
    )
    sample: Identifier | None = Field(
        default=None,
        description=(
            "Profile of runs on the public sample of tasks that predict in this one, on the same cluster: on nodes"
            " of its own it never waits for runs on private data. This profile itself without."
        ),
    )
    architecture: Literal["amd64", "arm64", "ppc64le", "riscv64"] = Field(
        default="amd64",
        description=(
            "What the processors of its nodes are, in the words of container images; `sealrun check-site` compares it"
            " with a node. All profiles of a cluster have the same, as what is built on it runs on it."
        ),
    )


class Data(Section):
    """A private directory that named challenges may mount, read-only."""

    path: SitePath = Field(description="The directory, as the nodes see it.")
    challenges: tuple[Identifier, ...] = Field(
        min_length=1, description="Slugs of the challenges that may use it."
    )
    measure: bool = Field(
        default=True,
        description=(
            "Whether a job reads all of it before the first run, so that seal records name its digest. Nothing"
            " that reads it runs before."
        ),
    )
    recheck: Duration = Field(
        default=timedelta(days=7), description="After this it is measured again."
    )
    profile: Identifier | None = Field(
        default=None,
        description="Profile of the job that measures it; the cluster's build profile without.",
    )


class Limits(Section):
    """What one submission may take up; a challenge can only ask for less."""

    upload: Size = Field(default=20 * 1024**3, description="Size of one upload.")
    weights: Size = Field(
        default=100 * 1024**3, description="Size of all weights that a team keeps in a challenge."
    )
    output: Size = Field(default=2 * 1024**3, description="Size of all files that a run writes.")
    output_files: int = Field(
        default=10_000, ge=1, description="Number of files and directories that a run writes."
    )
    scratch: Size = Field(
        default=16 * 1024**3, description="Size of all that a run has in its own /tmp at once."
    )
    disk: Literal["auto", "fixed", "watched"] = Field(
        default="auto",
        description=(
            "How what a run writes is bounded: `fixed`, by file systems of fixed size and number of files, without"
            " which no node runs anything; `watched`, by looking at it; `auto`, the first where the node can."
        ),
    )
    processes: int = Field(
        default=4096, ge=64, description="Number of processes and threads that a run has at once."
    )


class Images(Section):
    """Which images may be submitted. An image that was made before stays in use."""

    sif: Literal["allow", "signed", "refuse"] = Field(
        default="allow",
        description="Whether SIFs are taken: all of them, those that one of `keys` has signed, or none.",
    )
    keys: tuple[SitePath, ...] = Field(
        default=(), description="Files of public keys, PEM, as of `apptainer sign --key`."
    )

    @model_validator(mode="after")
    def _keys_for_signatures(self) -> Self:
        if (self.sif == "signed") != bool(self.keys):
            raise ValueError("keys belong to 'sif: signed', and that needs at least one")
        return self


class Periods(Section):
    """How long each kind is kept after the end of a challenge's last phase; for ever without."""

    uploads: Duration | None = Field(default=None, description="What teams submitted.")
    images: Duration | None = Field(default=None, description="The images made of it.")
    outputs: Duration | None = Field(default=None, description="What runs wrote.")
    logs: Duration | None = Field(default=None, description="What runs printed.")


class Retention(Section):
    """How long what belongs to submissions is kept. Results and seal records are kept for ever."""

    default: Periods = Field(
        default=Periods(), description="Where a challenge does not say how long."
    )
    longest: Periods = Field(
        default=Periods(), description="The most, whatever a challenge asks for."
    )
    refused: Duration = Field(
        default=timedelta(days=7), description="Uploads that no submission was made of."
    )


class Share(Section):
    """What one challenge may take of the cluster; no limit where nothing is said."""

    running: int | None = Field(
        default=None, ge=1, description="Most evaluations of the challenge at the same time."
    )
    team_running: int | None = Field(
        default=None, ge=1, description="Most evaluations of one of its teams at the same time."
    )
    gpu_hours: float | None = Field(
        default=None, ge=0, description="GPU-hours of all its teams together."
    )
    team_gpu_hours: float | None = Field(
        default=None, ge=0, description="GPU-hours of each of its teams."
    )
    account: SlurmName | None = Field(
        default=None, description="Slurm account that its jobs are charged to."
    )
    qos: SlurmName | None = Field(default=None, description="Quality of service of its jobs.")


class Probe(Section):
    """The isolation probe, which runs before every image."""

    busybox: SitePath = Field(
        default=Path("/bin/busybox"),
        description="Statically linked busybox, from which the probe's image is made.",
    )
    gpu_driver: bool = Field(
        default=True,
        description=(
            "Whether `sealrun check-site` asks that a driver answers for each GPU. False only where GPUs are"
            " pretended, as on the practice site."
        ),
    )


class Worker(Section):
    """The loop that submits jobs and collects results."""

    poll: Duration = Field(
        default=timedelta(seconds=1),
        description="Pause between two rounds while there is nothing to do; it is shorter otherwise.",
    )
    slowest: Duration = Field(
        default=timedelta(seconds=3),
        description="Longest pause between two questions to Slurm about jobs of which nothing changes.",
    )
    ceiling: int = Field(
        default=200,
        ge=1,
        le=1000,
        description="Most questions to Slurm about live jobs in a minute, whatever happens.",
    )
    files_at_once: int = Field(
        default=3,
        ge=1,
        le=32,
        description=(
            "How many uploads, images and outputs are looked through, unpacked or carried at the same time for"
            " each cluster; large ones never have all the places."
        ),
    )
    files_time_limit: Duration = Field(
        default=timedelta(hours=2),
        description="How long one of them may take; then it is tried again, and staff are notified after the fourth time.",
    )
    pauses: tuple[Duration, ...] = Field(
        default=(timedelta(seconds=10), timedelta(minutes=2), timedelta(minutes=10)),
        max_length=10,
        description=(
            "Before the second try of a job that the cluster failed, and before each further one; after the"
            " last it fails, and does not count."
        ),
    )


class Grace(Section):
    """How long the portal waits before it believes that something is not there."""

    submit: Duration = Field(
        default=timedelta(seconds=30),
        description=(
            "After an unclear answer to a submission: how long queue and accounting must both say"
            " that there is no such job. At least three times Slurm's MessageTimeout."
        ),
    )
    absent: Duration = Field(
        default=timedelta(minutes=15),
        description="How long a job may be in neither queue nor accounting before it counts as lost.",
    )


class Seal(Section):
    """The key with which results are signed, and those with which they are checked."""

    key_file: SitePath | None = Field(
        default=None,
        description=(
            "Private key that the worker signs seal records with, readable by its account only: `sealrun seal new-key`"
            " makes one. Without it records are kept unsigned."
        ),
    )
    public_keys: tuple[SitePath, ...] = Field(
        default=(),
        description="Public keys that are published: the present one, and those of before.",
    )


class Accounts(Section):
    """Accounts of this machine, where `sealrun serve` has one of its own."""

    web: UserName | None = Field(
        default=None,
        description=(
            "Account that runs `sealrun serve`: it reaches neither data nor outputs. Without it, web and"
            " worker have the same one."
        ),
    )


class Challenges(Section):
    """Who makes challenges."""

    create: Literal["staff", "everybody"] = Field(
        default="staff",
        description=(
            "Who makes a new challenge on the web, beside operators: staff, or everybody who is logged in. It is a"
            " draft that nobody else sees, and nothing of it runs before an operator has approved it."
        ),
    )


class Mail(Section):
    """The server through which the worker sends mails; without this section nothing is queued or sent."""

    host: HostName = Field(description="Name or address of the mail server.")
    port: int = Field(
        default=587, ge=1, le=65535, description="Its port: mostly 587, with `tls` 465."
    )
    security: Literal["starttls", "tls", "plain"] = Field(
        default="starttls",
        description=(
            "How the connection is protected; certificates are verified. `plain`, without any protection, only on this"
            " machine, or with `plain_elsewhere`."
        ),
    )
    plain_elsewhere: bool = Field(
        default=False,
        description="Whether mails may go to another machine unprotected, as within a network that is.",
    )
    ca_file: SitePath | None = Field(
        default=None,
        description="Certificates that are trusted, where the site has its own authority.",
    )
    user: Title | None = Field(
        default=None, description="Name to log in with, where the server asks."
    )
    password_file: SitePath | None = Field(
        default=None, description="File with its password, readable by the worker's account only."
    )
    sender: EmailAddress = Field(alias="from", description="Address that mails come from.")
    per_minute: int = Field(
        default=60, ge=1, le=10_000, description="Most mails that are sent in a minute."
    )
    keep: Duration = Field(
        default=timedelta(days=30),
        description="How long it is known to whom what was sent; mails that wait are kept anyway.",
    )

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.plain_elsewhere and self.security != "plain":
            raise ValueError("'plain_elsewhere' belongs to 'security: plain'")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("'user' and 'password_file' belong together")
        is_here = self.host in _LOOPBACK
        if self.security == "plain" and not is_here and not self.plain_elsewhere:
            raise ValueError(
                "'security: plain' is for this machine; write 'plain_elsewhere: true' if it is meant"
            )
        if self.security == "plain" and not is_here and self.user is not None:
            raise ValueError("a password is not sent to another machine unprotected")
        return self


class Site(Section):
    """All settings of one site."""

    site: About = Field(description="Who runs the portal and where it is.")
    database: Database = Field(description="Where the portal keeps its records.")
    login: Login = Field(default=Login(), description="Who may log in, and how.")
    seal: Seal = Field(default=Seal(), description="How results are signed.")
    mail: Mail | None = Field(default=None, description="How mails are sent; none are without it.")
    accounts: Accounts = Field(default=Accounts(), description="Who runs web and worker.")
    clusters: dict[Identifier, Cluster] = Field(
        min_length=1, description="The Slurm clusters, by name."
    )
    profiles: dict[Identifier, Profile] = Field(
        min_length=1, description="The only resources that a challenge can ask for, by name."
    )
    data: dict[Identifier, Data] = Field(
        default={}, description="The only directories that a challenge can mount, by name."
    )
    challenges: Challenges = Field(default=Challenges(), description="Who makes challenges.")
    limits: Limits = Field(default=Limits(), description="What one submission may take up.")
    images: Images = Field(default=Images(), description="Which images may be submitted.")
    retention: Retention = Field(
        default=Retention(), description="How long what belongs to submissions is kept."
    )
    shares: dict[Identifier, Share] = Field(
        default={}, description="What a challenge may take of the cluster, by its slug."
    )
    probe: Probe = Field(default=Probe(), description="The isolation probe.")
    worker: Worker = Field(default=Worker(), description="The loop that runs the jobs.")
    grace: Grace = Field(
        default=Grace(), description="How long to wait before believing in an absence."
    )
