"""What to judge, and how hard. Every setting can be given to pytest as an option, so that workers get them too."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILES: Final = ("smoke", "core", "extended")
LEVELS: Final = ("must", "should")
SMOKE_REQUESTS: Final = 20
"""The most requests of the profile `smoke`."""
POLITE_REQUESTS: Final = 200
POLITE_RATE: Final = 2.0
"""Requests a second, and requests in all, off this machine, where nothing else is asked for."""
PROVIDER_PORT: Final = 4444
"""Where providers log in unless the operator chose another port (NE-LOGIN-001)."""
RUN_S: Final = 1800.0
"""The most time that a run takes, in seconds, where nothing else is asked for: no hub keeps the suite for ever."""
CASE_S: Final = 300.0
"""The most time that one check takes, in seconds, where nothing else is asked for."""

SECRETS: Final = {"service_key": "NE_SERVICE_KEY", "access_key": "NE_KEY"}
"""Settings that travel to pytest in the environment, with the variables that hold them."""
_IN_A_HEAD: Final = re.compile("[!-~]*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What to judge, and how hard.

    Args:
        url: the hub's base URL, http or https, without the service.
        service: the service to ask.
        second_service: another service of the hub, or "".
        ca_file: a PEM file of authorities to trust instead of the system's, or "".
        insecure: verify no certificate.
        profile: `smoke` (at most 20 requests), `core`, or `extended` (core and the rest).
        level: `should` judges all rows, `must` the binding ones alone.
        select: patterns of requirement ids; none for all.
        cases: the checks to run, as `module::check[case]`; none for all.
        seed: what every generated request follows from.
        timeout: seconds that one exchange may take.
        max_wait: seconds that one check may wait for a limit of the hub.
        limits: the hub's own limits, by the names of the spec's registry, as far as they are known.
        rate: requests a second, connections to the provider port among them, or 0 for as fast as the hub answers.
        max_requests: the most requests of the run, counted likewise, or 0 for no bound.
        provider: where providers log in, as HOST:PORT, if the suite may log in as one, or "".
        service_key: what it logs in with.
        provider_service: the service it logs in to; "" for the service that is asked.
        access_service: a service with access keys, or "".
        access_key: a right one of them.
        quota_service: a service with a small quota, or "".
        max_time: seconds that the whole run may take.
        case_time: seconds that one check may take.
    """

    url: str
    service: str
    second_service: str = ""
    ca_file: str = ""
    insecure: bool = False
    profile: str = "core"
    level: str = "should"
    select: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    seed: int = 0
    timeout: float = 20.0
    max_wait: float = 20.0
    limits: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0
    max_requests: int = 0
    provider: str = ""
    service_key: str = field(default="", repr=False)
    provider_service: str = ""
    access_service: str = ""
    access_key: str = field(default="", repr=False)
    quota_service: str = ""
    max_time: float = RUN_S
    case_time: float = CASE_S

    def __post_init__(self) -> None:
        """Raises ValueError where a URL or a name cannot stand in the head of a request as it is."""
        names = (self.service, self.second_service, self.provider_service, self.access_service, self.quota_service)
        for text in (self.url, *names, self.access_key):
            if not _IN_A_HEAD.fullmatch(text):
                raise ValueError(f"{text!r} holds a space or a character outside ASCII; write it percent-encoded")

    @property
    def origin(self) -> str:
        """The URL without its path."""
        return self.url.removesuffix(self.prefix)

    @property
    def prefix(self) -> str:
        """The part of the URL's path that stands before every service."""
        return urlsplit(self.url).path

    @property
    def provided(self) -> str:
        """The service that the suite answers for, where it may log in as a provider."""
        return self.provider_service or self.service

    @property
    def provider_address(self) -> tuple[str, int]:
        """Host and port of `provider`."""
        return read_provider(self.provider)

    def meets(self, need: str) -> bool:
        """Whether what a requirement needs, by the registry's word for it, was given."""
        given = {"provider": self.provider, "access-service": self.access_service, "quota-service": self.quota_service}
        return bool(given.get(need, True))

    def secrets(self) -> dict[str, str]:
        """The settings that nobody may read in a list of processes, as variables of the environment."""
        return {variable: value for _, variable, value in self.named_secrets()}

    def variables(self) -> dict[str, str]:
        """The variable that stands in a report for each secret; one for a secret that is given twice."""
        return {value: variable for _, variable, value in reversed(self.named_secrets())}

    def named_secrets(self) -> list[tuple[str, str, str]]:
        """Each secret that was given: the setting, the variable that holds it, and the secret itself."""
        return [(name, variable, value) for name, variable in SECRETS.items() if (value := getattr(self, name))]

    def arguments(self) -> Iterator[str]:
        """The settings as options for pytest, without the secrets."""
        for setting in dataclasses.fields(self):
            if setting.name in SECRETS:
                continue
            value = getattr(self, setting.name)
            for text in _texts(value):
                yield f"{option_name(setting.name)}={text}"


def option_name(setting: str) -> str:
    """The option of pytest that carries a setting."""
    return "--ne-target" if setting == "url" else "--ne-" + setting.replace("_", "-")


def read_options(options: argparse.Namespace) -> Settings | None:
    """The settings in pytest's options; none where no target is given."""
    given = {
        setting.name: getattr(options, option_name(setting.name).removeprefix("--").replace("-", "_"))
        for setting in dataclasses.fields(Settings)
        if setting.name not in SECRETS
    }
    given |= {name: os.environ.get(variable, "") for name, variable in SECRETS.items()}
    if given["url"] is None:
        return None
    url, service = read_target(given["url"], given["service"])
    given["rate"], given["max_requests"] = polite(url, given["profile"], given["rate"], given["max_requests"])
    given |= {
        "url": url,
        "service": service,
        "select": tuple(given["select"]),
        "cases": tuple(given["cases"]),
        "limits": dict(given["limits"]),
    }
    return Settings(**given)


def options() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each setting as an option for pytest: its name and its keywords."""
    shapes: dict[str, dict[str, Any]] = {
        "url": {"metavar": "URL", "help": "the hub to judge"},
        "service": {"metavar": "NAME", "default": "", "help": "the service to ask"},
        "insecure": {"type": lambda text: text == "True", "metavar": "BOOL", "help": "verify no certificate: True"},
        "profile": {"choices": PROFILES},
        "level": {"choices": LEVELS},
        "select": {"action": "append", "metavar": "GLOB", "help": "requirement ids to judge; may be repeated"},
        "cases": {"action": "append", "metavar": "CASE", "help": "checks to run; may be repeated"},
        "limits": {"action": "append", "type": _limit, "metavar": "NAME=VALUE", "help": "a limit of the hub's own"},
    }
    for setting in dataclasses.fields(Settings):
        if setting.name in SECRETS:
            continue
        shape: dict[str, Any] = {"default": None, "help": f"the setting {setting.name!r}"}
        if setting.name in {"select", "cases", "limits"}:
            shape["default"] = []
        elif setting.name in {"rate", "max_requests"}:
            shape["type"] = type(setting.default)  # without them the run is polite
        elif setting.default is not dataclasses.MISSING:
            shape |= {"default": setting.default, "type": type(setting.default)}
        yield option_name(setting.name), shape | shapes.get(setting.name, {})


def read_target(target: str, service: str = "") -> tuple[str, str]:
    """The base URL and the service that a user's TARGET means.

    A missing scheme means https. The path is what stands before the service; without a service of its own the last
    part of it names the service.

    Raises:
        ValueError: it is no URL of a hub, or names no service.
    """
    text = target if "://" in target else f"https://{target}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{target!r} is no URL ({error}); write https://HOST[:PORT]") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{target!r} is no URL of a hub; write https://HOST[:PORT] or http://HOST[:PORT]")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the target holds a user, a query or a fragment; write https://HOST[:PORT][/PREFIX]")
    segments = [segment for segment in parts.path.split("/") if segment]
    if segments and service in {"", segments[-1]}:
        service = segments.pop()
    if not service:
        raise ValueError("which service is to be asked? Say --service NAME, or write https://HOST/NAME")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    return "/".join([f"{parts.scheme}://{authority}", *segments]), service


def read_provider(text: str) -> tuple[str, int]:
    """Host and port of a provider address; the port is the published one unless it is given.

    Raises:
        ValueError: it is no HOST:PORT.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or PROVIDER_PORT
    except ValueError as error:
        raise ValueError(f"{text!r} is no address of a provider port ({error}); write HOST:PORT") from None
    if not host or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} is no address of a provider port; write HOST:PORT")
    return host, port


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def polite(url: str, profile: str, rate: float | None, most: int | None) -> tuple[float, int]:
    """The rate and the bound of requests that a run keeps to; off this machine a hub is spared unless told not to."""
    is_near = is_loopback(url)
    if most is None:
        most = 0 if is_near else POLITE_REQUESTS
    if profile == "smoke":
        most = min(most or SMOKE_REQUESTS, SMOKE_REQUESTS)
    return (0.0 if is_near else POLITE_RATE) if rate is None else rate, most


def check_limits(limits: dict[str, float]) -> None:
    """Sees to it that the spec knows every limit that is told.

    Raises:
        ValueError: it does not know one, or a value is not above 0.
    """
    known = _known_limits()
    for name, value in limits.items():
        if name not in known:
            raise ValueError(f"there is no limit {name!r}; the limits are {', '.join(known)}")
        if not 0 < value < float("inf"):
            raise ValueError(f"the limit {name!r} must be above 0 and finite; it was {value:g}")


@cache
def _known_limits() -> tuple[str, ...]:
    """The names of all limits; pytest reads each option several times."""
    return tuple(limit["name"] for limit in spec.limits())


def _limit(text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=NUMBER")
    try:
        limit = {name: float(value)}
        check_limits(limit)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, limit[name]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}={number!r}" for name, number in value.items()]
    return list(value) if isinstance(value, tuple) else [str(value)]
