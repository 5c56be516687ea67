"""Runs a hub: a thread with an event loop of its own, all ports, and the state's deadlines.

No server of a library runs here: it would take the process's signals, which belong to the program that runs the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from typing import TYPE_CHECKING

from mockserver.app import HubApp
from mockserver.http.door import Door
from mockserver.provider_port import BACKLOG, ProviderConnection, serve_providers
from mockserver.tls import GOODBYE_S

if TYPE_CHECKING:
    import socket
    import ssl

    from mockserver.admin.app import AdminApp
    from mockserver.keeper import Keeper

START_S = 20.0
"""The most time that a hub may take to start, in seconds."""

DRAIN_S = 1.0
"""The most time that open connections get to take their last answer when the hub stops, in seconds."""

_LAST_ROUNDS = 10
"""How many rounds the loop makes for aborted connections to end in, also those that were accepted last: each needs one
or two."""

_DELIVERY_TURNS = 5
"""How many turns the loop makes between the state's word and the bytes on the wire: a step wakes a task, which writes,
perhaps through TLS, and uvloop sends at the end of the turn."""

_LOOP_STEP_S = 0.001
"""How finely uvloop tells the time, in seconds."""


class Runner:
    """A hub's thread. `start` returns when the hub answers; `stop` when everything is closed."""

    def __init__(
        self,
        keeper: Keeper,
        http: socket.socket,
        provider: socket.socket,
        *,
        http_tls: ssl.SSLContext | None,
        provider_tls: ssl.SSLContext,
        app: HubApp | None = None,
        admin: tuple[AdminApp, socket.socket] | None = None,
    ) -> None:
        self._keeper = keeper
        self._app = app or HubApp(keeper)
        self._doors = [Door(keeper, self._app, self._app.at_once if app is None else None)]
        self._admin = admin
        self._http = http
        self._provider = provider
        self._http_tls = http_tls
        self._provider_tls = provider_tls
        self._providers: set[ProviderConnection] = set()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._wakeup: asyncio.Handle | None = None
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread and waits until the hub answers."""
        self._thread = threading.Thread(target=self._run, name="mock-hub", daemon=True)
        self._thread.start()
        if not self._started.wait(START_S):
            raise TimeoutError(f"the mock hub did not start within {START_S:g} seconds")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stops the hub and waits until its thread has ended."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(START_S)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that starts the hub
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = self._app
        clients = await loop.create_server(
            self._doors[0].connection,
            sock=self._doors[0].listen(self._http),
            ssl=self._http_tls,
            ssl_shutdown_timeout=GOODBYE_S if self._http_tls else None,
            backlog=BACKLOG,
        )
        admin = None
        if self._admin is not None:
            admin_app, admin_socket = self._admin
            door = Door(self._keeper, admin_app)
            self._doors.append(door)
            admin = await loop.create_server(door.connection, sock=door.listen(admin_socket))
        providers = await serve_providers(self._keeper, self._providers, self._provider, self._provider_tls)
        self._keeper.alarms.add(self._deadline_moved)
        self._keeper.deliveries.add(self._deliver)
        self._reschedule()
        self._started.set()
        await self._stop.wait()
        clients.close()
        providers.close()
        if self._admin is not None and admin is not None:
            admin.close()
            await self._admin[0].finish(DRAIN_S)
        self._keeper.alarms.discard(self._deadline_moved)
        self._keeper.deliveries.discard(self._deliver)
        self._keeper.close()
        self._cancel_wakeup()
        await self._drain(app)
        await app.close()

    async def _drain(self, app: HubApp) -> None:
        """Lets clients that asked take their answer, and cuts every connection that is still open then."""
        connections = [connection for door in self._doors for connection in door.connections]
        with contextlib.suppress(TimeoutError):  # somebody does not read
            async with asyncio.timeout(DRAIN_S):
                await app.stop_reading()
        for connection in connections:
            connection.shutdown()
        await self._wait_for_answers()
        for connection in connections:
            connection.transport.abort()
        await self._wait_for_answers()  # whoever still answers learns now that the client has left
        for provider in tuple(self._providers):
            provider.abort()
        for _ in range(_LAST_ROUNDS):
            await asyncio.sleep(0)

    async def _wait_for_answers(self) -> None:
        tasks = {task for door in self._doors for task in door.tasks}
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)

    def _deliver(self) -> None:
        """Returns when the doors have written all that the state had for them."""
        if self._loop is None or threading.current_thread() is self._thread:
            return
        delivered = threading.Event()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._turn, _DELIVERY_TURNS, delivered)
            delivered.wait(DRAIN_S)

    def _turn(self, more: int, delivered: threading.Event) -> None:
        if more and self._loop is not None:
            self._loop.call_soon(self._turn, more - 1, delivered)
        else:
            delivered.set()

    def _deadline_moved(self) -> None:
        if threading.current_thread() is self._thread:
            self._reschedule()
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(self._reschedule)

    def _reschedule(self) -> None:
        """Sees to it that the state's next deadline is met."""
        when = self._keeper.next_deadline
        wait_s = math.inf if when is None else self._keeper.clock.real_s(when)
        if self._loop is None or wait_s == math.inf:
            self._cancel_wakeup()
            return
        wakes_at = self._loop.time() + wait_s
        # The same deadline comes out a little different each time that it is worked out.
        if self._wakeup is None or self._wakes_at > wakes_at + _LOOP_STEP_S:
            self._cancel_wakeup()
            self._wakes_at = wakes_at
            # Rounded down by uvloop, the loop would turn idly until the time has come.
            self._wakeup = self._loop.call_later(math.ceil(wait_s / _LOOP_STEP_S) * _LOOP_STEP_S, self._wake)

    def _cancel_wakeup(self) -> None:
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None

    def _wake(self) -> None:
        self._wakeup = None
        with self._keeper:
            pass  # what is due has run
        self._reschedule()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
