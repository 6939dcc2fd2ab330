"""The files of the small SSH server: a directory of its own, and a connection that breaks at a chosen request."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import paramiko

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Breakage:
    """Counts the requests for files, and breaks the connection at one of them, before or after it was done."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self.requests = 0
        self.at = 0
        """The number of the request; 0 for never."""
        self.after = False
        self._cut = cut

    def now(self, *, done: bool) -> bool:
        """Break the connection if it is time to; return whether it was."""
        if self.requests != self.at or done != self.after:
            return False
        self._cut()
        return True


def served_files(root: Path, breakage: Breakage) -> type[paramiko.SFTPServerInterface]:
    """Return an interface that serves ``root`` as if it were ``/``."""

    class Served(_Files):
        folder, broken = root, breakage

    return Served


def _request(
    work: Callable[Given, Answer],
) -> Callable[Given, Answer | int]:
    """Count a request; a broken connection carries no answer, whatever it is."""

    def counted(*given: Given.args, **named: Given.kwargs) -> Answer | int:
        breakage: Breakage = given[0].broken  # type: ignore[attr-defined]
        breakage.requests += 1
        if breakage.now(done=False):
            return paramiko.SFTP_FAILURE
        try:
            answer = work(*given, **named)
        except OSError as problem:
            answer = paramiko.SFTPServer.convert_errno(problem.errno or 0)
        breakage.now(done=True)
        return answer

    return counted


class _Files(paramiko.SFTPServerInterface):
    folder: Path
    broken: Breakage

    def _at(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    @_request
    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        return [
            paramiko.SFTPAttributes.from_stat(one.lstat(), one.name)
            for one in sorted(self._at(path).iterdir())
        ]

    @_request
    def stat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._at(path).stat())

    @_request
    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._at(path).lstat())

    @_request
    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> "_Open":
        handle = os.open(self._at(path), flags, 0o600)
        opened = _Open(flags)
        opened.readfile = opened.writefile = os.fdopen(  # type: ignore[attr-defined]
            handle, "r+b" if flags & (os.O_WRONLY | os.O_RDWR) else "rb"
        )
        opened.broken = self.broken
        return opened

    @_request
    def remove(self, path: str) -> int:
        self._at(path).unlink()
        return paramiko.SFTP_OK

    @_request
    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._at(oldpath).replace(self._at(newpath))
        return paramiko.SFTP_OK

    @_request
    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        self._at(path).mkdir(0o700)
        return paramiko.SFTP_OK

    @_request
    def rmdir(self, path: str) -> int:
        self._at(path).rmdir()
        return paramiko.SFTP_OK

    @_request
    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        paramiko.SFTPServer.set_file_attr(str(self._at(path)), attr)
        return paramiko.SFTP_OK


class _Open(paramiko.SFTPHandle):
    broken: Breakage

    @_request
    def read(self, offset: int, length: int) -> bytes | int:
        return super().read(offset, length)

    @_request
    def write(self, offset: int, data: bytes) -> int:
        return super().write(offset, data)

    @_request
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]
