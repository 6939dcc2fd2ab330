"""The practice site as these tests use it: a folder on its storage, and jobs that run to their end."""

import hashlib
import os
import shutil
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from containers.interface import Bind, Build, BuildKind, SealedRun
from containers.probe import write_probe_archive
from containers.rundir import RunRecord, read_run
from containers.scripts import build_script, run_script
from scheduler.commands.adapter import SlurmCommands
from scheduler.interface import Accepted, JobReport, JobSpec, Token
from scheduler.interface import Phase as JobPhase
from scheduler.ssh.transport import SshTransport
from tests.support.patience import PATIENCE, until


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Ended:
    """A job that has ended, and what it left."""

    report: JobReport
    record: RunRecord
    directory: Path

    @property
    def stdout(self) -> str:
        return (self.directory / "stdout.log").read_text()


class PracticeNode:
    """Runs scripts on the practice site, in a folder whose name needs quoting."""

    def __init__(self, settings: dict[str, Any]) -> None:
        cluster = settings["clusters"]["main"]
        connect = cluster["connect"]["ssh"]
        self.transport = SshTransport(
            host=connect["host"],
            port=connect["port"],
            user=connect["user"],
            key_file=Path(connect["key_file"]),
            known_hosts=Path(connect["known_hosts"]),
        )
        self._slurm = {name: cluster["slurm"][name] for name in ("account", "qos")}
        self._scheduler = SlurmCommands(self.transport)
        storage = Path(cluster["storage"])
        self._owner = storage.stat().st_uid
        self.folder = Path(tempfile.mkdtemp(prefix='it\'s a "test" $HOME ', dir=storage))
        self.give(self.folder)
        self.probe_image = self.folder / "probe.sif"

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.transport.close()

    def give(self, *paths: Path) -> None:
        """Let the site's account own files that this test made; as root they would be root's."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self._owner, self._owner, follow_symlinks=False)

    def named(self, beginning: str) -> list[Path]:
        """List what the whole folder has whose name begins so. Tests leave trees here in which no path leads to the end."""
        return [
            Path(place, name)
            for place, folders, files in os.walk(self.folder)
            for name in (*folders, *files)
            if name.startswith(beginning)
        ]

    def file(self, name: str, content: bytes = b"") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        self.give(path)
        return path

    def new_directory(self, name: str) -> Path:
        path = self.folder / f"{name} {uuid.uuid4().hex[:8]}"
        path.mkdir()
        self.give(path)
        return path

    def build(
        self,
        kind: BuildKind,
        source: Path,
        *,
        base: Path | None = None,
        **limits: Any,
    ) -> Ended:
        build = Build(
            kind=kind,
            source=PurePosixPath(source),
            source_sha256=sha256(source),
            base=PurePosixPath(base) if base else None,
            base_sha256=sha256(base) if base else None,
            **limits,
        )
        token, directory = new_token(), self.new_directory("build")
        script = build_script(build, token=token, directory=PurePosixPath(directory))
        return self.execute(script, token, directory, partition="build")

    def build_probe(self, busybox: Path) -> None:
        """Make the probe's image, which every run needs."""
        archive = self.file("probe.tar")
        write_probe_archive(busybox, archive)
        built = self.build(BuildKind.ARCHIVE, archive)
        assert built.record.done, built.record
        (built.directory / "image.sif").rename(self.probe_image)

    def sealed(self, image: Path, argv: tuple[str, ...], directory: Path) -> SealedRun:
        """Give a run with an input and an output, to be changed as a test needs."""
        data = self.folder / "data"
        if not data.exists():
            data.mkdir()
            (data / "cells.txt").write_text("private\n")
            self.give(data, data / "cells.txt")
        return SealedRun(
            image=PurePosixPath(image),
            image_sha256=sha256(image),
            probe_image=PurePosixPath(self.probe_image),
            probe_sha256=sha256(self.probe_image),
            argv=argv,
            binds=(
                Bind(source=PurePosixPath(data), target=PurePosixPath("/input")),
                Bind(
                    source=PurePosixPath(directory / "output"),
                    target=PurePosixPath("/output"),
                    writable=True,
                ),
            ),
        )

    def run(self, run: SealedRun, directory: Path, *, gres: str | None = None) -> Ended:
        token = new_token()
        script = run_script(run, token=token, directory=PurePosixPath(directory))
        return self.execute(script, token, directory, partition="gpu", gres=gres)

    def execute(
        self,
        script: str,
        token: str,
        directory: Path,
        *,
        partition: str,
        gres: str | None = None,
        cancel_when: Path | None = None,
    ) -> Ended:
        """Run a script to its end, or until a file is there that says that it may be cancelled."""
        spec = JobSpec(
            script=script,
            workdir=PurePosixPath(directory),
            stdout=PurePosixPath(directory / "slurm.out"),
            stderr=PurePosixPath(directory / "slurm.err"),
            partition=partition,
            cpus=1,
            memory_mib=900,
            time_limit=timedelta(minutes=4),
            gres=gres,
            **self._slurm,
        )
        submitted = self._scheduler.submit(spec, Token(token))
        assert isinstance(submitted, Accepted), submitted
        if cancel_when is not None:
            until(cancel_when.exists, what=f"{cancel_when} did not appear")
            self._scheduler.cancel(Token(token))
        report = self._wait(Token(token))
        return Ended(report=report, record=read_run(directory, token), directory=directory)

    def _wait(self, token: Token) -> JobReport:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for report in self._scheduler.snapshot([token]).jobs.get(token, ()):
                if report.phase is JobPhase.ENDED:
                    return report
            time.sleep(0.2)
        raise AssertionError(f"job {token} has not ended")


def new_token() -> str:
    return f"containers-{uuid.uuid4().hex}"
