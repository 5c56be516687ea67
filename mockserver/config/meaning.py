"""What a configuration's data says of a hub.

The data is valid by the schema. What a schema cannot say is checked here: that names exist, that files can be read.
What only some configurations have is imported when one has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mockserver.config.errors import ConfigError, told_of
from mockserver.config.secrets import access_keys, service_key
from mockserver.faults import Faults
from mockserver.journal import DEFAULT_ENTRIES
from mockserver.settings import demo_service, members_of
from mockserver.state.limits import checked_limits
from mockserver.state.plan import Pace
from neuroengine._generated.registry import DEFAULT_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mockserver.rules import Rule
    from mockserver.settings import Settings
    from mockserver.state.service_settings import ServiceSettings

RECORDED: Final = Path("recorded.json")
"""Where a recording goes unless another file is named."""

_PLAIN: Final = ("http_port", "provider_port", "tls", "admin", "admin_port", "clock_scale")

_OWN_ANSWERS: Final = ("rules", "rule_files", "strict", "faults", "wrong", "pace")
"""What says how a hub answers by itself."""


@dataclass(frozen=True)
class Recording:
    """Which live hub is asked, and where what it answered is written."""

    url: str
    to: Path = RECORDED
    ca_file: Path | None = None
    insecure: bool = False
    timings: bool = False


@dataclass(frozen=True)
class Config:
    """All that a configuration says, ready for `MockHub`."""

    settings: Settings
    http_port: int = 0
    provider_port: int = 0
    tls: bool = True
    admin: bool = False
    admin_port: int = 0
    clock_scale: float = 1.0
    journal_file: Path | None = None
    record: Recording | None = None
    files: tuple[Path, ...] = ()
    """Every file that it was read from."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What is read at the start only, as it stands in the data."""

    def __str__(self) -> str:
        """How much it says."""
        settings = self.settings
        parts: dict[str, Any] = {name: settings.get(f"{name}s") for name in ("service", "rule", "fault")}
        return ", ".join(_counted(len(part), name) for name, part in parts.items())


def _counted(number: int, name: str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"


FIXED: Final = (
    "http_port", "provider_port", "tls", "admin", "admin_port", "wrong", "journal_entries", "journal_file",
    "record",
)  # fmt: skip
"""What is read at the start only."""


def config_of(data: Mapping[str, Any], folder: Path, source: str) -> Config:
    """What valid data says; paths that are text are relative to `folder`, and `source` names it in errors.

    Raises:
        ConfigError: it makes no sense, or a file that it names cannot be read.
    """
    with told_of(source):
        return _Reader(data, folder, source).config()


def waiting(before: Config, config: Config) -> list[str]:
    """What differs from the configuration before and is read at the start only."""
    return [name for name in FIXED if before.fixed.get(name) != config.fixed.get(name)]


class _Reader:
    """Reads one configuration, and notes the files."""

    def __init__(self, data: Mapping[str, Any], folder: Path, source: str) -> None:
        self._data = data
        self._folder = folder
        self._source = source
        self._files: list[Path] = []

    def config(self) -> Config:
        data = self._data
        rules, listed = self._rules()
        services = tuple(self._services(data["services"])) if "services" in data else ()
        names = {service.name for service in services}
        services += tuple(one for name, one in listed.items() if name not in names)
        settings: Settings = {
            "services": services or (demo_service(DEFAULT_SERVICE),),
            "limits": self._limits(),
            "rules": rules,
            "faults": self._faults(),
            "pace": self._pace(),
            "wrong": self._wrong(),
            "matching_statuses": data.get("matching_statuses", False),
            "cors": data.get("cors", False),
            "strict": data.get("strict", False),
            "journal_entries": data.get("journal_entries", DEFAULT_ENTRIES),
        }
        return Config(
            settings,
            **self._plain(),
            journal_file=self._output("journal_file", data) if "journal_file" in data else None,
            record=self._recording(data["record"]) if "record" in data else None,
            files=tuple(self._files),
            fixed={name: data[name] for name in FIXED if name in data},
        )

    def _plain(self) -> dict[str, Any]:
        plain = {name: self._data[name] for name in _PLAIN if name in self._data}
        if plain.get("clock_scale") == 0 and not plain.get("admin"):
            raise ConfigError("clock_scale: at 0 the clock stands until the admin API advances it; let admin be on too")
        return plain

    # -- files

    def _path(self, value: str | Path) -> Path:
        """A path that a flag gave as it is, or one of the file's, relative to its folder."""
        return value if isinstance(value, Path) else self._folder / value

    def _input(self, value: str | Path) -> Path:
        path = self._path(value)
        self._files.append(path)
        return path

    def _output(self, name: str, data: Mapping[str, Any]) -> Path:
        path = self._path(data[name])
        if not path.parent.is_dir():
            raise ConfigError(f"{name}: there is no folder {path.parent} to write {path.name} in")
        if path.is_dir():
            raise ConfigError(f"{name}: {path} is a folder; name a file")
        return path

    # -- parts

    def _services(self, entries: Sequence[Mapping[str, Any]]) -> Iterator[ServiceSettings]:
        known: set[str] = set()
        for number, entry in enumerate(entries, start=1):
            name = entry["name"]
            with told_of(f'service {number} "{name}"'):
                if name in known:
                    raise ConfigError("another service has this name already")
                known.add(name)
                keys = access_keys(entry, self._input)
                yield demo_service(name, service_key(entry, self._input), access_keys=keys, **members_of(entry))

    def _rules(self) -> tuple[tuple[Rule, ...], dict[str, ServiceSettings]]:
        """All rules in the order in which they are asked, and the services that rule files name."""
        files = self._data.get("rule_files", ())
        if not files and "rules" not in self._data:
            return (), {}
        from mockserver.rules.fixtures import rules_from

        rules: list[Rule] = []
        listed: dict[str, ServiceSettings] = {}
        # The rule files of flags, which are paths, are asked before everything in the file.
        for path in (one for one in files if isinstance(one, Path)):
            self._read_rules(path, rules, listed)
        if "rules" in self._data:
            rules += rules_from({"rules": self._data["rules"]}, "")
        for path in (one for one in files if not isinstance(one, Path)):
            self._read_rules(path, rules, listed)
        return tuple(rules), listed

    def _read_rules(self, value: str | Path, rules: list[Rule], listed: dict[str, ServiceSettings]) -> None:
        from mockserver.rules.fixtures import read_fixture

        fixture = read_fixture(self._input(value))
        rules += fixture.rules
        for service in fixture.services:
            listed.setdefault(service.name, service)

    def _limits(self) -> Mapping[str, float]:
        limits: Mapping[str, float] = self._data.get("limits", {})
        with told_of("limits"):
            checked_limits(limits)
        return limits

    def _faults(self) -> tuple[str | Mapping[str, Any], ...]:
        faults = tuple(self._data.get("faults", ()))
        for number, fault in enumerate(faults, start=1):
            with told_of(f"fault {number}"):
                Faults([fault])
        return faults

    def _pace(self) -> Pace | None:
        with told_of("pace"):
            return Pace(**self._data["pace"]) if "pace" in self._data else None

    def _wrong(self) -> str | None:
        name: str | None = self._data.get("wrong")
        if name is not None:
            from mockserver.wrong import behaviour_named

            with told_of("wrong"):
                behaviour_named(name)
        return name

    def _recording(self, data: Mapping[str, Any]) -> Recording:
        from mockserver.rules.fixtures import ENDINGS

        with told_of("record"):
            if idle := [name for name in _OWN_ANSWERS if self._data.get(name)]:
                raise ConfigError(f"every request is passed on to the live hub; leave out {', '.join(idle)}")
            if "url" not in data:
                raise ConfigError("there is no live hub to record; give its URL too")
            to = self._output("to", {"to": RECORDED, **data})
            if to.suffix not in ENDINGS:
                raise ConfigError(f"to: the ending must be {' or '.join(ENDINGS)}; it was {to.suffix!r}")
            ca_file = None if "ca_file" not in data else self._path(data["ca_file"])
            if ca_file is not None and not ca_file.is_file():
                raise ConfigError(f"ca_file: there is no file {ca_file}")
            insecure = data.get("insecure", False)
            if insecure and ca_file is not None:
                raise ConfigError(
                    "insecure and ca_file exclude each other: the one trusts everybody, the other one file"
                )
            return Recording(data["url"], to, ca_file, insecure, data.get("timings", False))
