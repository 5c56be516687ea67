"""The hub's thread meets the deadlines of its state, on every event loop."""

from __future__ import annotations

import asyncio
import ssl
from socket import IPPROTO_TCP, create_connection, socket
from typing import TYPE_CHECKING

import pytest
import uvloop
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.clock import Clock
from mockserver.keeper import Keeper
from mockserver.runner import Runner
from mockserver.state.hub import HubState
from mockserver.state.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("late_s", [-1.0, 0.0, 0.01])
def test_a_deadline_is_met_although_it_is_set_again_meanwhile(
    new_loop: Callable[[], asyncio.AbstractEventLoop], late_s: float
) -> None:
    keeper = Keeper(HubState([ServiceSettings("MYGPT", "KEY")]), Clock())

    async def meet() -> None:
        loop = asyncio.get_running_loop()
        met = asyncio.Event()
        with socket() as http, socket() as provider:
            runner = Runner(keeper, http, provider, http_tls=None, provider_tls=ssl.create_default_context())
            runner._loop = loop
            keeper.alarms.add(runner._reschedule)
            with keeper as now:
                keeper.state.timers.at(now + late_s, lambda _: met.set())
            with keeper as now:
                keeper.state.timers.at(now + 60, lambda _: None)
            await asyncio.wait_for(met.wait(), DEADLINE_S)

    with asyncio.Runner(loop_factory=new_loop) as running:
        running.run(meet())


def test_accepted_connections_send_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.runner._new_event_loop", asyncio.new_event_loop)
    accepted: list[int] = []
    monkeypatch.setattr("asyncio.base_events._set_nodelay", lambda sock: accepted.append(sock.proto))
    with (
        MockHub(tls=False) as hub,
        create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])), DEADLINE_S) as client,
    ):
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert set(accepted) == {IPPROTO_TCP}
