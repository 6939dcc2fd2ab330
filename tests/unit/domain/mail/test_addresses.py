"""Which addresses mails go to."""

import pytest

from portal.domain.mail.addresses import address_of, is_address


@pytest.mark.parametrize(
    "address",
    [
        "ada@uni.example",
        "ada.vlasak+portal@mail.uni.example",
        "o'neill@xn--bcher-kva.example",
        "a" * 64 + "@uni.example",
        "_=-@a-b.c",
    ],
)
def test_a_plain_address_is_one(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        None, 7, "", "ada", "@uni.example", "ada@", "ada@localhost", "ada@uni..example",
        "ada@-uni.example", ".ada@uni.example", "ada.@uni.example", "a..da@uni.example",
        "ada@uni.example\n", "ada@uni.example\r\nBcc: x@y.z", "ada@uni.example,eve@uni.example",
        "Ada <ada@uni.example>", '"a b"@uni.example', "a b@uni.example", "ada@[127.0.0.1]",
        "ädä@uni.example", "ada@üni.example", "a" * 65 + "@uni.example", "ada@" + "a." * 130 + "b",
        "=?utf-8?q?a=0D=0A?=@uni.example", "ada@eve@uni.example", "ada\x00@uni.example",
        "ada@uni.example\u2028", "(c)ada@uni.example", "ada;eve@uni.example", "<ada@uni.example>",
    ],
)  # fmt: skip
def test_anything_else_is_none(address: object) -> None:
    assert not is_address(address)


@pytest.mark.parametrize("said", [{}, {"email_verified": True}, {"email_verified": "true"}])
def test_what_a_provider_gives_is_used(said: dict[str, object]) -> None:
    assert address_of({"email": "ada@uni.example", **said}) == "ada@uni.example"


@pytest.mark.parametrize("said", [False, "false", None, 1.5, "yes", ["true"]])
def test_what_it_has_not_verified_is_not(said: object) -> None:
    assert address_of({"email": "ada@uni.example", "email_verified": said}) is None


@pytest.mark.parametrize("claims", [None, [], "x", {}, {"email": None}, {"email": ["a@b.c"]}])
def test_claims_without_one_give_none(claims: object) -> None:
    assert address_of(claims) is None
