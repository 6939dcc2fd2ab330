"""What a sysadmin sets in ``site.yaml``. ``docs/reference/site-settings.md`` is made from this."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from site_config.fields import (
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
from site_config.kinds import Kind
from site_config.units import Duration, Size


def _claim_values(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        raise ValueError("must be the value that the claim must have, or a list of values")
    return value


Claims = Annotated[
    dict[str, Annotated[str | tuple[str, ...], BeforeValidator(_claim_values)]],
    Kind("claims with values"),
]
"""For each claim the value that it must have or, if it is a list, hold; of several values any one."""


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


class Provider(Section):
    """One institution's OpenID Connect login."""

    id: Identifier = Field(description="Short name, part of the redirect address.")
    title: Title = Field(description="What the login button says.")
    issuer: HttpUrl = Field(description="Issuer, exactly as the provider announces it.")
    client_id: Title = Field(description="The portal's name at the provider.")
    client_secret_file: SitePath = Field(
        description="File that holds the client secret; others must not be able to read it."
    )
    require: Claims = Field(
        default={}, description="Claims without which nobody may log in; all of them count."
    )
    staff: Claims = Field(
        default={}, description="Claims that make an account staff; all of them count."
    )


class Login(Section):
    """Who may log in, and how."""

    providers: tuple[Provider, ...] = Field(default=(), description="The logins on offer.")

    @field_validator("providers")
    @classmethod
    def _distinct(cls, providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
        if len({provider.id for provider in providers}) < len(providers):
            raise ValueError("must have a different id for each provider")
        return providers


class Ssh(Section):
    """A login node, reached with a key; its host key is pinned."""

    host: HostName = Field(description="Name or address of the login node.")
    port: int = Field(default=22, ge=1, le=65535, description="Port of its SSH server.")
    user: UserName = Field(description="Account that submits the jobs.")
    key_file: SitePath = Field(description="Private key of that account.")
    known_hosts: SitePath = Field(
        description="File with the node's host key; any other key is refused."
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


class Slurm(Section):
    """How jobs are submitted."""

    interface: Literal["commands", "rest", "pyslurm"] = Field(
        default="commands",
        description="Way to speak with Slurm. Today `commands`; `rest` and `pyslurm` are to come.",
    )
    account: SlurmName | None = Field(default=None, description="Slurm account that is charged.")
    qos: SlurmName | None = Field(default=None, description="Quality of service of all jobs.")

    @field_validator("interface")
    @classmethod
    def _available(cls, interface: str) -> str:
        if interface != "commands":
            raise ValueError(f"'{interface}' is not yet available; use 'commands'")
        return interface


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
    apptainer: Apptainer = Field(
        default=Apptainer(), description="What is asked of Apptainer on the nodes."
    )
    build: Identifier = Field(
        default="build", description="Profile with which images are built on this cluster."
    )


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


class Data(Section):
    """A private directory that named challenges may mount, read-only."""

    path: SitePath = Field(description="The directory, as the nodes see it.")
    challenges: tuple[Identifier, ...] = Field(
        min_length=1, description="Slugs of the challenges that may use it."
    )


class Limits(Section):
    """What one submission may take up; a challenge can only ask for less."""

    upload: Size = Field(default=20 * 1024**3, description="Size of one upload.")
    output: Size = Field(default=2 * 1024**3, description="Size of all files that a run writes.")
    output_files: int = Field(
        default=10_000, ge=1, description="Number of files and directories that a run writes."
    )


class Probe(Section):
    """The isolation probe, which runs before every image."""

    busybox: SitePath = Field(
        default=Path("/bin/busybox"),
        description="Statically linked busybox, from which the probe's image is made.",
    )


class Worker(Section):
    """The loop that submits jobs and collects results."""

    poll: Duration = Field(
        default=timedelta(seconds=1),
        description="Pause between two rounds while there is nothing to do; it is shorter otherwise.",
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


class Site(Section):
    """All settings of one site."""

    site: About = Field(description="Who runs the portal and where it is.")
    database: Database = Field(description="Where the portal keeps its records.")
    login: Login = Field(default=Login(), description="Who may log in, and how.")
    clusters: dict[Identifier, Cluster] = Field(
        min_length=1, description="The Slurm clusters, by name."
    )
    profiles: dict[Identifier, Profile] = Field(
        min_length=1, description="The only resources that a challenge can ask for, by name."
    )
    data: dict[Identifier, Data] = Field(
        default={}, description="The only directories that a challenge can mount, by name."
    )
    limits: Limits = Field(default=Limits(), description="What one submission may take up.")
    probe: Probe = Field(default=Probe(), description="The isolation probe.")
    worker: Worker = Field(default=Worker(), description="The loop that runs the jobs.")
    grace: Grace = Field(
        default=Grace(), description="How long to wait before believing in an absence."
    )
