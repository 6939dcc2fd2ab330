"""The client of slurmrestd against a server that answers, dawdles, chatters and ends on demand."""

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scheduler.errors import (
    AnswerTooLongError,
    TransportDownError,
    TransportTimeoutError,
    UnexpectedAnswerError,
    UnreachableError,
)
from scheduler.interface import Accepted, Indeterminate, JobSpec, Refused, Token
from scheduler.slurmrestd.adapter import SlurmRest
from scheduler.slurmrestd.client import RestClient
from tests.support.recordings.answers import recorded_rest

Handler = BaseHTTPRequestHandler
SOON = timedelta(seconds=2)


class FakeRest:
    """A server whose answers are functions; remembers requests as (method, path, token)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.connections: set[int] = set()
        self.answer: Callable[[Handler], None] = lambda handler: say(handler, 200, {"errors": []})
        server = self

        class Speaker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.headers["X-SLURM-USER-TOKEN"]
                server.requests.append((self.command, self.path, token))
                server.connections.add(self.client_address[1])
                server.answer(self)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Speaker)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"


def say(handler: Handler, status: int, document: object) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def rest() -> Iterator[FakeRest]:
    server = FakeRest()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("SLURM_JWT=first\n")
    return file


@pytest.fixture
def make_client(rest: FakeRest, token_file: Path) -> Iterator[Callable[..., RestClient]]:
    made: list[RestClient] = []

    def make(**changes: object) -> RestClient:
        settings = {"user": "challenge", "url": rest.url, "token_file": token_file, "timeout": SOON}
        made.append(RestClient(**settings | changes))
        return made[-1]

    yield make
    for client in made:
        client.close()


MakeClient = Callable[..., RestClient]


def test_the_prefix_of_scontrol_is_taken_off_the_token(
    rest: FakeRest, make_client: MakeClient
) -> None:
    make_client().ask("GET", "/ping")

    assert rest.requests == [("GET", "/ping", "first")]


def test_a_connection_is_used_again(rest: FakeRest, make_client: MakeClient) -> None:
    client = make_client()

    for _ in range(5):
        client.ask("GET", "/ping")

    assert len(rest.connections) == 1


def test_a_changed_token_file_is_read_again(
    rest: FakeRest, make_client: MakeClient, token_file: Path
) -> None:
    client = make_client()
    client.ask("GET", "/ping")
    token_file.write_text("second")

    client.ask("GET", "/ping")

    assert [token for _, _, token in rest.requests] == ["first", "second"]


def test_a_request_that_was_turned_away_is_sent_once_more_with_a_new_token(
    rest: FakeRest, make_client: MakeClient, token_file: Path
) -> None:
    def turn_the_first_away(handler: Handler) -> None:
        if handler.headers["X-SLURM-USER-TOKEN"] == "first":
            token_file.write_text("second")
            say(handler, 401, b"Authentication failure")
        else:
            say(handler, 200, {"errors": [], "job_id": 7})

    rest.answer = turn_the_first_away

    answer = make_client().ask("POST", "/submit", body={})

    assert answer.document["job_id"] == 7
    assert [token for _, _, token in rest.requests] == ["first", "second"]


def test_a_request_is_not_sent_again_with_the_same_token(
    rest: FakeRest, make_client: MakeClient
) -> None:
    rest.answer = lambda handler: say(handler, 401, b"Authentication failure")

    with pytest.raises(UnreachableError, match="does not accept the token"):
        make_client().ask("GET", "/jobs")

    assert len(rest.requests) == 1


def test_a_submission_is_not_repeated_for_what_the_controller_says(
    rest: FakeRest, make_client: MakeClient, token_file: Path
) -> None:
    def complain(handler: Handler) -> None:
        token_file.write_text(f"{len(rest.requests)}")
        say(handler, 511, {"errors": [{"error": "Protocol authentication error"}]})

    rest.answer = complain
    client = make_client()

    assert client.ask("POST", "/submit", body={}).status == 511
    assert len(rest.requests) == 1
    with pytest.raises(UnreachableError, match="does not accept the renewed token"):
        client.ask("GET", "/jobs")
    assert len(rest.requests) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"", "does not hold one", id="empty"),
        pytest.param(b"two words", "does not hold one", id="two words"),
        pytest.param(b"\xff", "no token for slurmrestd", id="not text"),
    ],
)
def test_without_a_token_nothing_is_sent(
    rest: FakeRest, make_client: MakeClient, token_file: Path, content: bytes | None, said: str
) -> None:
    if content is None:
        token_file.unlink()
    else:
        token_file.write_bytes(content)

    with pytest.raises(UnreachableError, match=said):
        make_client().ask("GET", "/ping")

    assert rest.requests == []


def test_the_token_is_in_no_message(rest: FakeRest, make_client: MakeClient) -> None:
    rest.answer = lambda handler: say(handler, 200, b"<html>")

    with pytest.raises(UnexpectedAnswerError) as odd:
        make_client().ask("GET", "/ping")

    assert "first" not in f"{odd.value}{odd.value.__cause__}"


def test_an_answer_that_does_not_come_is_a_timeout(rest: FakeRest, make_client: MakeClient) -> None:
    rest.answer = lambda _: time.sleep(6)

    with pytest.raises(TransportTimeoutError):
        make_client().ask("GET", "/ping")


def test_an_answer_that_dribbles_is_a_timeout(rest: FakeRest, make_client: MakeClient) -> None:
    def dribble(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    rest.answer = dribble

    with pytest.raises(TransportTimeoutError):
        make_client().ask("GET", "/ping")


def test_an_answer_beyond_the_limit_is_refused(rest: FakeRest, make_client: MakeClient) -> None:
    rest.answer = lambda handler: say(handler, 200, {"errors": [], "x": "y" * 5_000})

    with pytest.raises(AnswerTooLongError):
        make_client(max_bytes=4_000).ask("GET", "/ping")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"errors": ', b"\xff"])
def test_what_is_no_object_is_unexpected(
    rest: FakeRest, make_client: MakeClient, content: bytes
) -> None:
    rest.answer = lambda handler: say(handler, 200, content)

    with pytest.raises(UnexpectedAnswerError):
        make_client().ask("GET", "/ping")


def test_a_redirection_is_not_followed(rest: FakeRest, make_client: MakeClient) -> None:
    def elsewhere(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{rest.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    rest.answer = elsewhere

    with pytest.raises(UnexpectedAnswerError, match="answered 302"):
        make_client().ask("GET", "/ping")

    assert len(rest.requests) == 1


def test_nobody_there_is_a_broken_way(make_client: MakeClient) -> None:
    with pytest.raises(TransportDownError):
        make_client(url="http://127.0.0.1:9").ask("GET", "/ping")


def test_a_connection_that_ends_is_not_tried_again(rest: FakeRest, make_client: MakeClient) -> None:
    def hang_up(handler: Handler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    rest.answer = hang_up

    with pytest.raises(TransportDownError):
        make_client().ask("POST", "/submit", body={})

    assert len(rest.requests) == 1


def test_only_the_sites_certificate_is_believed(
    rest: FakeRest, make_client: MakeClient, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    rest.http.socket = context.wrap_socket(rest.http.socket, server_side=True)
    url = rest.url.replace("http://", "https://")

    assert make_client(url=url, ca_file=certificate).ask("GET", "/ping").status == 200
    with pytest.raises(TransportDownError, match="certificate"):
        make_client(url=url).ask("GET", "/ping")


@pytest.fixture
def scheduler(make_client: MakeClient) -> SlurmRest:
    return SlurmRest(make_client())


def speak(rest: FakeRest, **answers: str) -> None:
    """Let the server answer with recordings, by the last part of the path."""

    def answer(handler: Handler) -> None:
        path = handler.path.partition("?")[0].rstrip("/")
        service = path.split("/")[1]
        name = answers.get(f"{service}_{path.rpartition('/')[2]}")
        if name is None:
            say(handler, 404, b"Unable find requested URL.")
            return
        recording = recorded_rest(name)
        say(handler, recording.status, dict(recording.document))

    rest.answer = answer


def test_the_version_is_asked_for_once(rest: FakeRest, scheduler: SlurmRest, spec: JobSpec) -> None:
    speak(rest, openapi_v3="offer", slurm_submit="submit-accepted")

    answers = [scheduler.submit(spec, Token("a1")) for _ in range(2)]

    assert [type(answer) for answer in answers] == [Accepted, Accepted]
    assert [path for _, path, _ in rest.requests] == [
        "/openapi/v3",
        "/slurm/v0.0.42/job/submit",
        "/slurm/v0.0.42/job/submit",
    ]


def test_the_version_is_asked_for_again_when_it_is_gone(
    rest: FakeRest, scheduler: SlurmRest, spec: JobSpec
) -> None:
    speak(rest, openapi_v3="offer")
    assert isinstance(scheduler.submit(spec, Token("a1")), Indeterminate)
    speak(rest, openapi_v3="offer", slurm_submit="submit-accepted")

    assert isinstance(scheduler.submit(spec, Token("a1")), Accepted)

    assert [path for _, path, _ in rest.requests].count("/openapi/v3") == 2


@pytest.mark.parametrize(
    ("queue", "reason", "is_temporary"),
    [
        pytest.param("queue", "queue_full", True, id="jobs of ours live"),
        pytest.param("accounting-nothing", "qos_limit", False, id="none lives"),
        pytest.param("queue-timed-out", "queue_full", True, id="nobody knows"),
    ],
)
def test_a_full_queue_is_told_by_the_jobs_in_it(
    rest: FakeRest,
    scheduler: SlurmRest,
    spec: JobSpec,
    queue: str,
    reason: str,
    is_temporary: bool,
) -> None:
    speak(rest, openapi_v3="offer", slurm_submit="submit-refused-queue-full", slurm_jobs=queue)

    answer = scheduler.submit(spec, Token("a1"))

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.is_temporary) == (reason, is_temporary)


def test_accounting_that_is_down_makes_an_absence_mean_nothing(
    rest: FakeRest, scheduler: SlurmRest
) -> None:
    speak(rest, openapi_v3="offer", slurm_jobs="queue", slurmdb_jobs="accounting-down")

    present = scheduler.snapshot([Token("rec-running")])
    absent = scheduler.snapshot([Token("rec-running"), Token("a1")])

    assert (present.complete, absent.complete) == (True, False)
    assert set(present.jobs) == set(absent.jobs) == {"rec-running"}
    assert absent.problem.startswith("UnreachableError")
