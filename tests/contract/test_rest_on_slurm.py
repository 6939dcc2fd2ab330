"""What only a real slurmrestd can show, on each release."""

import copy
import time
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from portal.bootstrap import scheduler_of
from portal.domain.errors import OperatorError
from scheduler.errors import UnreachableError
from scheduler.interface import Accepted, Indeterminate, Phase, Refused, Token
from scheduler.slurmrestd.adapter import SlurmRest
from scheduler.slurmrestd.versions import KNOWN
from site_config.site_loader import load_site
from tests.support.cluster.labs import PATIENCE, RestLab, connect, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
NOBODY = Token("contract-nobody")


@pytest.fixture
def token_file(rest_lab: RestLab, tmp_path: Path) -> Path:
    """Return a file with the lab's token, to be changed at will."""
    key = Path(rest_lab.site["clusters"]["main"]["connect"]["ssh"]["key_file"])
    file = tmp_path / "token"
    file.write_text((key.parents[1] / "secrets/slurm-token").read_text())
    return file


@pytest.fixture
def other(rest_lab: RestLab, token_file: Path) -> SlurmRest:
    """Return a scheduler whose token is in ``token_file``."""
    return rest_lab.speaking(rest_lab.door(token_file=token_file))


def short_token(lab: RestLab, seconds: int) -> str:
    operator = connect(lab.site, operator=True)
    argv = ["scontrol", "token", f"username={lab.client.user}", f"lifespan={seconds}"]
    answer = operator.run(argv, timeout=PATIENCE)
    operator.close()
    return answer.stdout.decode()


def test_a_snapshot_takes_one_look_at_the_queue_and_one_at_accounting(rest_lab: RestLab) -> None:
    known, unknown = rest_lab.new_token(), rest_lab.new_token()
    rest_lab.scheduler.submit(rest_lab.spec("exit 0"), known)

    counts = []
    for question in ([], [known], [known, unknown]):
        rest_lab.client.paths.clear()
        assert rest_lab.scheduler.snapshot(question).complete
        counts.append(list(rest_lab.client.paths))

    assert counts == [[], ["/slurm/jobs/"], ["/slurm/jobs/", "/slurmdb/jobs/"]]


def test_more_tokens_than_an_address_holds_are_asked_for_in_parts(rest_lab: RestLab) -> None:
    known = rest_lab.new_token()
    rest_lab.scheduler.submit(rest_lab.spec("exit 0"), known)
    rest_lab.scheduler = rest_lab.without_queue()
    wait_for(rest_lab, known, Phase.ENDED)
    many = [Token(f"{number:060d}") for number in range(2_000)]
    rest_lab.client.paths.clear()

    snapshot = rest_lab.scheduler.snapshot([known, *many])

    assert (snapshot.complete, set(snapshot.jobs)) == (True, {known})
    assert rest_lab.client.paths.count("/slurmdb/jobs/") == 3


def _wait_for_an_empty_queue(lab: RestLab) -> None:
    """Jobs of earlier tests may still be ending."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    show = ["squeue", "--me", "--noheader"]
    while lab.transport.inner.run(show, timeout=PATIENCE).stdout:
        assert time.monotonic() < deadline
        lab.tick()


def test_a_full_queue_is_a_refusal_that_passes(rest_lab: RestLab) -> None:
    blocker = rest_lab.new_token()
    too_large = rest_lab.spec("exit 0", partition="gpu", gres="gpu:99")
    _wait_for_an_empty_queue(rest_lab)

    alone = rest_lab.scheduler.submit(too_large, rest_lab.new_token())
    rest_lab.scheduler.submit(rest_lab.spec("sleep 50"), blocker)
    beside = rest_lab.scheduler.submit(too_large, rest_lab.new_token())

    reasons = [answer.reason for answer in (alone, beside) if isinstance(answer, Refused)]
    assert reasons == ["qos_limit", "queue_full"]


def test_a_token_that_is_not_believed_concludes_nothing(
    rest_lab: RestLab, other: SlurmRest, token_file: Path
) -> None:
    good = token_file.read_text()
    token, forged = rest_lab.new_token(), good.strip()[:-8] + good.strip()[-8:][::-1]
    other.ping()
    token_file.write_text(forged)

    answer = other.submit(rest_lab.spec("exit 0"), token)
    snapshot = other.snapshot([token])
    with pytest.raises(UnreachableError):
        other.cancel(token)

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    token_file.write_text(good)
    assert other.find(token).complete
    assert other.find(token).jobs == {}


def test_an_expired_token_is_replaced_from_its_file(
    rest_lab: RestLab, other: SlurmRest, token_file: Path
) -> None:
    good, token = token_file.read_text(), rest_lab.new_token()
    token_file.write_text(short_token(rest_lab, 1))
    rest_lab.tick()
    while other.find(NOBODY).complete:
        rest_lab.tick()

    token_file.write_text(f"SLURM_JWT={good}")

    assert isinstance(other.submit(rest_lab.spec("exit 0"), token), Accepted)


def test_without_accounting_an_absence_means_nothing(rest_lab: RestLab) -> None:
    token = rest_lab.new_token()
    rest_lab.scheduler.submit(rest_lab.spec("sleep 50"), token)

    with rest_lab.without_daemon("slurmdbd"):
        absent = rest_lab.scheduler.find(NOBODY)
        present = rest_lab.scheduler.snapshot([token])

    assert (absent.complete, absent.jobs) == (False, {})
    assert (present.complete, set(present.jobs)) == (True, {token})


# httpx2's core leaves a Unix socket to the garbage collector when nobody listens at it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_slurmrestd_nothing_is_concluded(rest_lab: RestLab) -> None:
    token = rest_lab.new_token()
    rest_lab.scheduler.ping()

    with rest_lab.without_daemon("slurmrestd"):
        answer = rest_lab.scheduler.submit(rest_lab.spec("exit 0"), token)
        snapshot = rest_lab.scheduler.snapshot([token])
        with pytest.raises(UnreachableError):
            rest_lab.scheduler.ping()
        with pytest.raises(UnreachableError):
            rest_lab.scheduler.cancel(token)

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    found = rest_lab.scheduler.find(token)
    assert (found.complete, found.jobs) == (True, {})


def test_an_answer_beyond_the_limit_concludes_nothing(rest_lab: RestLab) -> None:
    token = rest_lab.new_token()
    rest_lab.scheduler.submit(rest_lab.spec("sleep 50"), token)
    # Enough for slurmrestd's description of itself, not for a job of the queue.
    small = rest_lab.speaking(rest_lab.door(max_bytes=2_000))
    small._dialect = rest_lab.scheduler._dialect

    snapshot = small.find(token)

    assert (snapshot.complete, snapshot.jobs) == (False, {})
    assert snapshot.problem.startswith("AnswerTooLongError")
    with pytest.raises(UnreachableError):
        small.cancel(token)


def test_a_dead_controller_concludes_nothing(rest_lab: RestLab) -> None:
    token = rest_lab.new_token()
    spec = rest_lab.spec("exit 0")
    rest_lab.scheduler.ping()

    with rest_lab.without_daemon("slurmctld"):
        answer = rest_lab.scheduler.submit(spec, token)
        with pytest.raises(UnreachableError):
            rest_lab.impatient().ping()
        snapshot = rest_lab.impatient().snapshot([token])

    assert isinstance(answer, Indeterminate)
    assert (snapshot.complete, snapshot.jobs) == (False, {})
    found = rest_lab.scheduler.find(token)
    assert (found.complete, found.jobs) == (True, {})


def test_a_sites_settings_choose_it(rest_lab: RestLab, tmp_path: Path) -> None:
    site = copy.deepcopy(rest_lab.site)
    home = Path(site["clusters"]["main"]["connect"]["ssh"]["key_file"]).parents[1]
    token_file = tmp_path / "token"
    token_file.touch(mode=0o600)
    token_file.write_text((home / "secrets/slurm-token").read_text())
    site["clusters"]["main"] |= {
        "connect": "local",
        "slurm": {
            "interface": "rest",
            "rest": {
                "socket": str(home / "rest/slurmrestd.socket"),
                "user": rest_lab.client.user,
                "token_file": str(token_file),
            },
        },
    }
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))

    scheduler = scheduler_of(load_site(tmp_path / "site.yaml").clusters["main"])

    assert isinstance(scheduler, SlurmRest)
    assert scheduler.ping().version == rest_lab.scheduler.ping().version
    scheduler.close()
    token_file.chmod(0o604)
    with pytest.raises(OperatorError, match=r"token_file: .* is open to everybody"):
        scheduler_of(load_site(tmp_path / "site.yaml").clusters["main"])


def _end_in_accounting(lab: RestLab, token: Token) -> datetime | None:
    """Return when a job ended; accounting hears of its state first, and of the time a moment later."""
    for _ in range(100):
        found = wait_for(lab, token, Phase.ENDED).ended_at
        if found is not None:
            return found
        lab.tick()
    return None


def test_every_version_on_offer_is_spoken(rest_lab: RestLab) -> None:
    offer = rest_lab.client.ask("GET", "/openapi/v3").document["paths"]
    versions = [name for name in KNOWN if f"/slurm/{name}/job/submit" in offer]
    assert versions
    for version in versions:
        scheduler, token = rest_lab.speaking(rest_lab.client), rest_lab.new_token()
        scheduler._dialect = KNOWN[version]
        rest_lab.scheduler = scheduler
        spec = rest_lab.spec("exit 7", partition="gpu", gres="gpu:1", comment="a comment")

        rest_lab.wait_for_nodes()

        accepted = scheduler.submit(spec, token)
        refused = scheduler.submit(rest_lab.spec("exit 0", partition="nowhere"), token)

        ended = wait_for(rest_lab, token, Phase.ENDED)
        assert isinstance(accepted, Accepted), version
        assert isinstance(refused, Refused), version
        assert (refused.reason, ended.exit_code) == ("partition", 7), version
        scheduler.cancel(token)
        rest_lab.scheduler = rest_lab.without_queue()
        rest_lab.scheduler._dialect = KNOWN[version]
        assert _end_in_accounting(rest_lab, token) == ended.ended_at, version
        assert scheduler.ping().version == rest_lab.scheduler.ping().version, version
