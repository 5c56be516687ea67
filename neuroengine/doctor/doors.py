"""The two doors of a hub, for clients and for providers, and the steps that are tried at each, in their order.

A step is a name and a function that says in words what it found; it raises an `Obstacle` or `Skipped`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from neuroengine._generated.registry import HUB_HOST, HUB_PORT
from neuroengine.client import Client
from neuroengine.errors import (
    ConfigurationError,
    ConnectionFailed,
    HubError,
    InvalidField,
    NeuroengineError,
    ProtocolError,
    TimedOut,
)
from neuroengine.models import names_near
from neuroengine.protocol import fields
from neuroengine.protocol.retry import Retry, Timeouts
from neuroengine.transport.address import access_key, hub_url, published_url, service_name
from neuroengine.transport.link import Address, provider_address
from neuroengine.transport.probe import Obstacle
from neuroengine.transport.proxies import proxy_on_the_way
from neuroengine.transport.trust import ssl_context
from neuroengine.transport.way import Skipped, Way

if TYPE_CHECKING:
    import ssl

    from neuroengine.models import Model

GENERATE_S: Final = 60.0
"""How long the few tokens of a generation may take: home machines are slow. Unit: seconds."""

HTTP_PORT: Final = 80
"""The port of an http address that names none."""

_CORRECT: Final = "correct the option or the variable"

Checks: TypeAlias = Sequence[tuple[str, Callable[[], str]]]
"""The steps of a door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What is to be tried; what is left out is taken from the environment, as a client does.

    Attributes:
        url, service, access_key, verify, ca_file: as of `Client`.
        provider: where providers log in, `HOST:PORT`.
        with_provider: whether that port is tried.
        generate: whether the service is asked for a few tokens.
        connect_s: how many seconds name, TCP and TLS may take together.
        answer_s: how many seconds the hub may take for its model list.
    """

    url: str | None = None
    service: str | None = None
    access_key: str | None = None
    verify: bool = True
    ca_file: str | None = None
    provider: str | None = None
    with_provider: bool = True
    generate: bool = False
    connect_s: float = Timeouts().connect_s
    answer_s: float = Timeouts().connect_s


class Door:
    """What both doors have in common."""

    way: Way
    """The way to the door, known once the settings have been read."""

    def __init__(self, checkup: Checkup) -> None:
        self._checkup = checkup

    def _trust(self) -> ssl.SSLContext:
        return ssl_context(self._checkup.verify, self._checkup.ca_file)

    def _on_way(self, step: Callable[[Way], str]) -> Callable[[], str]:
        """The step, to be made when it is its turn: before the settings have been read there is no way."""
        return lambda: step(self.way)

    def _way_checks(self) -> Checks:
        return [
            ("name", self._on_way(Way.find_name)),
            ("tcp", self._on_way(Way.reach)),
            ("tls", self._on_way(Way.speak_tls)),
            ("certificate", self._on_way(Way.check_certificate)),
        ]


class ProviderDoor(Door):
    """The port on which providers log in."""

    def checks(self) -> Checks:
        """The steps, in their order."""
        return [("settings", self._read_settings), *self._way_checks()]

    def is_known(self) -> bool:
        """Whether anything says where the port is: another hub's port is not that of the published hub."""
        if self._checkup.provider or os.environ.get("NEUROENGINE_PROVIDER"):
            return True
        with suppress(ConfigurationError):
            return hub_url(self._checkup.url) == published_url(HUB_HOST, HUB_PORT)
        return False

    def _read_settings(self) -> str:
        try:
            address = provider_address(self._checkup.provider)
            self.way = Way(address, trust=self._trust(), proxy=None, limit_s=self._checkup.connect_s)
        except ConfigurationError as error:
            raise Obstacle(str(error), _CORRECT) from None
        return f"{address}, without a proxy"


class HubDoor(Door):
    """The port that clients ask."""

    def __init__(self, checkup: Checkup) -> None:
        super().__init__(checkup)
        self._client: Client | None = None
        self._models: Sequence[Model] = ()
        self._no_list: NeuroengineError | None = None

    def checks(self) -> Checks:
        """The steps, in their order."""
        return [
            ("settings", self._read_settings),
            ("proxy", self._on_way(Way.ask_proxy)),
            *self._way_checks(),
            ("http", self._ask),
            ("getmodels", self._read_list),
            ("service", self._find_service),
            ("generate", self._generate),
        ]

    def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            self._client.close()

    def _read_settings(self) -> str:
        checkup = self._checkup
        try:
            self._url = hub_url(checkup.url)
            self._service = fields.check_service(service_name(checkup.service))
            key = access_key(checkup.access_key)
            trust = self._trust() if self._url.startswith("https://") or checkup.ca_file else None
        except (ConfigurationError, InvalidField) as error:
            raise Obstacle(str(error), _CORRECT) from None
        parts = urlsplit(self._url)
        is_secure = parts.scheme == "https"
        address = Address(parts.hostname or "", parts.port or (HUB_PORT if is_secure else HTTP_PORT))
        proxy = proxy_on_the_way(self._url)
        self.way = Way(address, trust=trust if is_secure else None, proxy=proxy, limit_s=checkup.connect_s)
        return f"{self._url}, service {self._service}, {'with an' if key else 'no'} access key"

    def _ask(self) -> str:
        """Asks for the model list; here only that there is an answer counts."""
        checkup = self._checkup
        limits = Timeouts(connect_s=checkup.connect_s, answer_s=checkup.answer_s, total_s=checkup.answer_s)
        client = self._asking(limits)
        try:
            self._models = client.models()
        except (HubError, ProtocolError) as error:
            self._no_list = error
        except ConnectionFailed as error:
            raise Obstacle(str(error), self._http_fix(error)) from None
        return "an answer came"

    def _http_fix(self, error: ConnectionFailed) -> str:
        """What to do about a port that gives no answer. One that speaks TLS answers plain HTTP at once, if badly."""
        if not isinstance(error, TimedOut) and self.way.speaks_tls_after_all():
            return "the port speaks TLS: write https:// instead of http://"
        return "check the port, and that the program behind it is a hub; --timeout gives a slow one more time"

    def _read_list(self) -> str:
        if isinstance(self._no_list, HubError):
            raise Obstacle(str(self._no_list), self._no_list.fix)
        if self._no_list is not None:
            raise Obstacle(str(self._no_list), "this is no hub, or not the root of one: check the address and its path")
        connected = sum(model.connected for model in self._models)
        return f"services: {len(self._models)}, with a provider: {connected}"

    def _find_service(self) -> str:
        model = next((model for model in self._models if model.name == self._service), None)
        if model is None:
            near = names_near(self._service, self._models) or [model.name for model in self._models[:3]]
            listed = f"it lists {', '.join(near)}" if near else "it lists none at all"
            raise Obstacle(f"the hub lists no service {self._service!r}", f"choose another with --service; {listed}")
        if not model.connected:
            reason = f"no provider is connected to {self._service}"
            raise Obstacle(reason, "try again later, or choose another service: see neuroengine models")
        return f"{self._service} is connected; requests that wait: {model.queuelen}"

    def _generate(self) -> str:
        if not self._checkup.generate:
            raise Skipped("--generate asks for a few tokens")
        client = self._asking(Timeouts(total_s=GENERATE_S))
        try:
            reply = client.generate("Hello!", max_new_len=4)
        except HubError as error:
            raise Obstacle(str(error), error.fix) from None
        except NeuroengineError as error:
            raise Obstacle(str(error), "the hub or its provider is slow or broken: try again later") from None
        return f"a reply of {len(reply.text)} characters"

    def _asking(self, limits: Timeouts) -> Client:
        """A client that tries once, within these limits."""
        self.close()
        try:
            self._client = Client(
                self._service,
                url=self._url,
                access_key=self._checkup.access_key,
                verify=self._checkup.verify,
                ca_file=self._checkup.ca_file,
                timeouts=limits,
                retry=Retry(tries=1),
            )
        except ConfigurationError as error:
            raise Obstacle(f"the client cannot be made: {error}", "correct the proxy variables") from None
        return self._client
