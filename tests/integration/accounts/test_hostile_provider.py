"""The hostile provider commits exactly the fault that it is set to commit."""

import httpx2
import pytest
from joserfc.errors import JoseError

from tests.support import patient_http
from tests.support.providers.client import Client, answer_of, header_of
from tests.support.providers.hostile import Fault, HostileProvider, LogoutFault
from tests.support.providers.hostile_tokens import ELSEWHERE
from tests.support.providers.people import MFA

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def client(hostile: HostileProvider) -> Client:
    hostile.register(redirect_uris=[CALLBACK])
    return Client(hostile, CALLBACK, "openid")


def test_hostile_takes_no_code_with_another_verifier(
    hostile: HostileProvider, client: Client
) -> None:
    code = answer_of(hostile.answer(client.address()))["code"]
    client.verifier = "another"

    with pytest.raises(httpx2.HTTPStatusError, match="400"):
        client.token(code)


FAULTS_OF_CLAIMS = {
    Fault.WRONG_NONCE: {"nonce"},
    Fault.MISSING_NONCE: {"nonce"},
    Fault.WRONG_ISSUER: {"iss"},
    Fault.EXPIRED: {"iat", "exp"},
    Fault.ISSUED_IN_THE_FUTURE: {"iat", "exp"},
    Fault.NOT_YET_VALID: {"nbf", "exp"},
    Fault.WRONG_AUDIENCE: {"aud"},
    Fault.FOREIGN_AZP: {"aud", "azp"},
    Fault.MISSING_ACR: {"acr"},
    Fault.WEAKER_ACR: {"acr"},
    Fault.MISSING_AUTH_TIME: {"auth_time"},
    Fault.STALE_AUTH_TIME: {"auth_time"},
}


@pytest.mark.parametrize("fault", FAULTS_OF_CLAIMS)
def test_hostile_commits_one_fault_in_a_token_that_is_signed_well(
    hostile: HostileProvider, client: Client, fault: Fault
) -> None:
    hostile.clock = lambda: 1_000_000_000.0
    hostile.begin({"nonce": "n-1", "acr_values": MFA})
    right = client.verified(hostile.id_token(hostile.last_login()))

    hostile.fault = fault
    wrong = client.verified(hostile.id_token(hostile.last_login()))

    assert _differing(right, wrong) == FAULTS_OF_CLAIMS[fault]


@pytest.mark.parametrize(
    ("fault", "algorithm"),
    [
        (Fault.UNSIGNED, "none"),
        (Fault.UNKNOWN_KEY, "RS256"),
        (Fault.SIGNED_WITH_THE_CLIENT_SECRET, "HS256"),
        (LogoutFault.UNSIGNED, "none"),
        (LogoutFault.UNKNOWN_KEY, "RS256"),
        (LogoutFault.SIGNED_WITH_THE_CLIENT_SECRET, "HS256"),
    ],
)
def test_hostile_signs_otherwise(
    hostile: HostileProvider, client: Client, fault: Fault | LogoutFault, algorithm: str
) -> None:
    hostile.begin({})
    if isinstance(fault, Fault):
        hostile.fault = fault
        token = hostile.id_token(hostile.last_login())
    else:
        token = hostile.logout_token(fault=fault)

    header = header_of(token)

    assert header["alg"] == algorithm
    with pytest.raises(JoseError):
        client.verified(token)


@pytest.mark.parametrize(
    ("fault", "place", "status"),
    [
        (Fault.TOKEN_FAILS, "token", 500),
        (Fault.TOKEN_IS_NO_JSON, "token", 200),
        (Fault.USERINFO_FAILS, "userinfo", 500),
        (Fault.KEYS_FAIL, "keys", 500),
        (Fault.ENDPOINTS_MOVED, "token", 404),
        (None, "moved/token", 404),
        (Fault.ENDPOINTS_MOVED, "moved/token", 401),
    ],
)
def test_hostile_answers_wrongly_at_one_endpoint(
    hostile: HostileProvider, fault: Fault | None, place: str, status: int
) -> None:
    hostile.fault = fault

    assert patient_http.post(f"{hostile.issuer}/{place}").status_code == status


def test_hostile_hangs_until_it_behaves_again(hostile: HostileProvider) -> None:
    hostile.fault = Fault.TOKEN_HANGS
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{hostile.issuer}/token", timeout=0.2)

    hostile.fault = None

    assert patient_http.post(f"{hostile.issuer}/token").status_code == 401


def test_hostile_describes_itself_otherwise(hostile: HostileProvider) -> None:
    address = f"{hostile.issuer}/.well-known/openid-configuration"
    right = patient_http.get(address).json()

    changed = {}
    for fault in Fault:
        hostile.fault = fault
        wrong = patient_http.get(address).json()
        changed[fault] = {name for name in right if right[name] != wrong[name]}

    assert {fault: names for fault, names in changed.items() if names} == {
        Fault.DISCOVERY_NAMES_ANOTHER_ISSUER: {"issuer"},
        Fault.TOKEN_ENDPOINT_ON_ANOTHER_HOST: {"token_endpoint"},
        Fault.ENDPOINTS_MOVED: {"authorization_endpoint", "token_endpoint", "userinfo_endpoint"},
    }


@pytest.mark.parametrize(
    ("fault", "sender"),
    [
        (None, "right"),
        (Fault.WRONG_ISS_PARAMETER, ELSEWHERE),
        (Fault.MISSING_ISS_PARAMETER, None),
    ],
)
def test_hostile_names_itself_in_its_answer(
    hostile: HostileProvider, client: Client, fault: Fault | None, sender: str | None
) -> None:
    hostile.fault = fault

    answer = answer_of(hostile.answer(client.address()))

    assert answer.get("iss") == (hostile.issuer if sender == "right" else sender)


def test_hostile_speaks_of_somebody_else(hostile: HostileProvider) -> None:
    hostile.begin({})
    hostile.fault = Fault.USERINFO_OF_ANOTHER

    assert hostile.user_info(hostile.last_login())["sub"] == "somebody else"


LOGOUT_FAULTS = {
    LogoutFault.WRONG_ISSUER: {"iss"},
    LogoutFault.WRONG_AUDIENCE: {"aud"},
    LogoutFault.NO_EVENTS: {"events"},
    LogoutFault.OTHER_EVENT: {"events"},
    LogoutFault.WITH_NONCE: {"nonce"},
    LogoutFault.EXPIRED: {"iat", "exp"},
    LogoutFault.ISSUED_IN_THE_FUTURE: {"iat", "exp"},
    LogoutFault.NO_JTI: {"jti"},
    LogoutFault.NOBODY: {"sub", "sid"},
}


@pytest.mark.parametrize("fault", LOGOUT_FAULTS)
def test_hostile_spoils_logout_tokens_in_one_way(
    hostile: HostileProvider, client: Client, fault: LogoutFault
) -> None:
    hostile.clock = lambda: 1_000_000_000.0
    hostile.begin({})
    right = client.verified(hostile.logout_token(jti="once"))

    wrong = client.verified(hostile.logout_token(jti="once", fault=fault))

    assert _differing(right, wrong) == LOGOUT_FAULTS[fault]


def test_hostile_signs_with_another_key_from_now_on(
    hostile: HostileProvider, client: Client
) -> None:
    token = hostile.logout_token(subject="ada", sid="nobody knows it")
    claims = client.verified(token)

    hostile.rotate_keys(keep_old=True)
    kept = client.verified(token)
    hostile.rotate_keys()

    assert (claims["sub"], claims["sid"]) == ("ada", "nobody knows it")
    assert kept == claims
    with pytest.raises(JoseError, match="No key for kid"):
        client.verified(token)


def _differing(one: dict[str, object], other: dict[str, object]) -> set[str]:
    absent = object()
    return {
        name
        for name in one.keys() | other.keys()
        if one.get(name, absent) != other.get(name, absent)
    }
