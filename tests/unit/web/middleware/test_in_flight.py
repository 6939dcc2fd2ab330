"""Requests of one client at the same time."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from portal.web.middleware.in_flight import InFlightLimit

AT_ONCE, WAITING = 3, 2


class Stage:
    """An application whose answers wait until they are let go; each request may have a body."""

    def __init__(self) -> None:
        self.free, self.sent = asyncio.Event(), asyncio.Event()
        self.working = self.most_working = 0
        self.limit = InFlightLimit(self._answer, most=AT_ONCE, most_waiting=WAITING)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await receive()
        self.working += 1
        self.most_working = max(self.most_working, self.working)
        await self.free.wait()
        self.working -= 1
        if scope["path"] == "/broken":
            raise RuntimeError
        await PlainTextResponse("well")(scope, receive, send)

    async def ask(self, host: str | None, path: str = "/", method: str = "GET") -> int:
        """Return the status of one answer; 0 where there is none."""
        statuses = []

        async def receive() -> Message:
            await self.sent.wait()
            return {"type": "http.request", "body": b"x", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "path": path, "method": method, "headers": []}
        if host is not None:
            scope["client"] = (host, 1)
        try:
            await self.limit(scope, receive, send)
        except RuntimeError:
            return 0
        return int(statuses[0])


async def _together(*hosts: str | None) -> tuple[int, list[int]]:
    """Ask for all of them at once; return how many were worked on at once, and the answers."""
    stage = Stage()
    asked = [asyncio.create_task(stage.ask(host)) for host in hosts]
    await asyncio.sleep(0.01)
    stage.free.set()
    return stage.most_working, [await one for one in asked]


def test_one_client_waits_behind_themselves_and_others_do_not() -> None:
    one, other = "192.0.2.1", "192.0.2.2"

    at_once, answers = asyncio.run(_together(*[one] * 6, *[other] * 3))

    assert at_once == AT_ONCE + 3
    assert answers == [200] * (AT_ONCE + WAITING) + [429] + [200] * 3


def test_a_network_of_ipv6_is_one_client() -> None:
    hosts = [f"2001:db8::{number}" for number in range(6)]

    assert asyncio.run(_together(*hosts)) == (AT_ONCE, [200] * 5 + [429])


def test_a_socket_without_an_address_is_not_counted() -> None:
    assert asyncio.run(_together(*[None] * 9)) == (9, [200] * 9)


def test_what_waits_for_its_body_keeps_nobody_waiting() -> None:
    async def uploads_and_a_page() -> tuple[int, list[int]]:
        stage = Stage()
        stage.free.set()
        uploads = [
            asyncio.create_task(stage.ask("192.0.2.1", method="POST")) for _ in range(AT_ONCE + 1)
        ]
        await asyncio.sleep(0.01)
        page = await stage.ask("192.0.2.1")
        stage.sent.set()
        return page, [await one for one in uploads]

    assert asyncio.run(uploads_and_a_page()) == (200, [200] * (AT_ONCE + 1))


def test_an_upload_that_is_broken_off_leaves_its_place() -> None:
    async def broken_off() -> list[int]:
        stage = Stage()
        stage.free.set()
        for _ in range(AT_ONCE * 3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stage.ask("192.0.2.1", method="POST"), 0.01)
        return [await stage.ask("192.0.2.1") for _ in range(AT_ONCE)]

    assert asyncio.run(broken_off()) == [200] * AT_ONCE


@pytest.mark.parametrize("path", ["/", "/broken"])
def test_what_has_ended_counts_no_more(path: str) -> None:
    async def again() -> int:
        stage = Stage()
        stage.free.set()
        for _ in range(AT_ONCE * 3):
            await stage.ask("192.0.2.1", path)
        return await stage.ask("192.0.2.1")

    assert asyncio.run(again()) == 200
