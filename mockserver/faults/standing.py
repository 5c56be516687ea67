"""The standing faults of a hub: what befalls its exchanges at random, or by their number.

Each standing fault counts the exchanges that it could befall, and draws for each of them from a generator of its own.
So the same seed and the same order of exchanges give the same faults, whatever other faults there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mockserver.state.plan import Fault, Leg


@dataclass(frozen=True)
class When:
    """Which exchanges a standing fault befalls, among those on its leg.

    Args:
        rate: the share of them, from 0 to 1, by chance.
        seed: what chance draws from.
        service: only those of this service.
        after: not the first so many.
        times: at most so many of the rest; none for ever.
        piece: on a provider's legs, only requests for this piece of a stream, from 1; a whole reply is piece 1.

    Raises:
        ValueError: a value is out of range.
    """

    rate: float = 1.0
    seed: int = 0
    service: str | None = None
    after: int = 0
    times: int | None = None
    piece: int | None = None

    def __post_init__(self) -> None:
        """Checks the ranges."""
        if not 0 <= self.rate <= 1:
            raise ValueError(f"`rate` must be between 0 and 1; it was {self.rate}")
        if self.after < 0:
            raise ValueError(f"`after` must be a number from 0; it was {self.after}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"`times` must be a number from 1, or none for ever; it was {self.times}")


class StandingFault:
    """One standing fault. `befallen` is how many exchanges it was drawn for."""

    def __init__(
        self,
        name: str,
        leg: str | None,
        when: When,
        settings: Mapping[str, Any],
        remove: Callable[[StandingFault], None],
    ) -> None:
        from mockserver.faults.registry import kind_named  # here, because most hubs have no fault

        kind = kind_named(name)
        self.name = name
        self.when = when
        self.leg, act = kind.on(leg)
        # Whatever is wrong with the settings is said now.
        self.settings = dict(kind.fault(leg, piece=when.piece, **settings).settings)
        self.befallen = 0
        self._kind = kind
        self._generates_only = act.generates_only
        self._remove = remove
        self._seen = 0
        self._random = Random(when.seed)

    def __repr__(self) -> str:
        """The name, the leg and how often it came."""
        return f"<{self.name} on {self.leg}, {self.befallen} times so far>"

    def remove(self) -> None:
        """Takes the fault away; removing it again does nothing."""
        self._remove(self)

    def of(self, remove: Callable[[StandingFault], None]) -> Self:
        """The fault, to be removed by `remove` from now on."""
        self._remove = remove
        return self

    def is_like(self, other: StandingFault) -> bool:
        """Whether the other one befalls the same exchanges in the same way."""
        return (self.name, self.leg, self.when, self.settings) == (other.name, other.leg, other.when, other.settings)

    def may_befall(self, service: str, legs: tuple[Leg, ...]) -> bool:
        """Whether it could still befall an exchange of the service on one of the legs."""
        when = self.when
        return (
            self.leg in legs and when.service in {None, service} and (when.times is None or self.befallen < when.times)
        )

    def draw(self, service: str, legs: tuple[Leg, ...], *, generates: bool, piece: int) -> Fault | None:
        """The fault, if it befalls the next exchange."""
        when = self.when
        if not self.may_befall(service, legs) or (self._generates_only and not generates):
            return None
        if when.piece not in {None, piece}:
            return None
        self._seen += 1
        chance, seed = self._random.random(), self._random.getrandbits(32)
        if self._seen <= when.after or chance >= when.rate:
            return None
        self.befallen += 1
        return self._kind.fault(self.leg, seed=seed, **self.settings)


class Faults:
    """A hub's standing faults.

    Args:
        standing: those from the beginning, each a name, or the arguments of `add` as a mapping that holds the `name`.

    Raises:
        ValueError: a mapping holds no name, or `add` would not take it.
    """

    def __init__(self, standing: Iterable[str | Mapping[str, Any]] = ()) -> None:
        self._standing: tuple[StandingFault, ...] = ()
        self._injected: Counter[str] = Counter()
        self._lock = Lock()
        for fault in (standing,) if isinstance(standing, str) else standing:
            how = {"name": fault} if isinstance(fault, str) else dict(fault)
            if "name" not in how:
                raise ValueError(f"a fault needs a `name`; it was {how!r}")
            self.add(**how)

    def add(
        self,
        /,
        name: str,
        *,
        leg: str | None = None,
        rate: float = 1.0,
        seed: int = 0,
        service: str | None = None,
        after: int = 0,
        times: int | None = None,
        piece: int | None = None,
        **settings: Any,
    ) -> StandingFault:
        """Lets a fault befall exchanges from now on.

        Args:
            name: the fault's name in `FAULTS`.
            leg: where it acts, for faults that can on several legs: `client->hub`, `hub->client`, `hub->provider` or
                `provider->hub`.
            rate: the share of exchanges that it befalls, from 0 to 1, by chance.
            seed: what chance draws from, also inside the fault.
            service: only exchanges of this service.
            after: not the first so many exchanges.
            times: at most so many of the rest; none for ever. So `times=2` fails twice and then recovers.
            piece: on a provider's legs, only requests for this piece of a stream, from 1.
            **settings: the fault's own settings.

        Returns:
            The standing fault, which can be removed.

        Raises:
            ValueError: the name, the leg or a setting is unknown, or a value is out of range.
        """
        fault = StandingFault(name, leg, When(rate, seed, service, after, times, piece), settings, self._remove)
        with self._lock:
            self._standing += (fault,)
        return fault

    def clear(self) -> None:
        """Takes every standing fault away. What was injected stays counted."""
        with self._lock:
            self._standing = ()

    def replace(self, standing: Iterable[str | Mapping[str, Any]]) -> None:
        """Puts these in the place of all that stand. One that stays as it was goes on with its chance and counters."""
        with self._lock:
            before = list(self._standing)
            kept = []
            for fault in Faults(standing):
                same = next((one for one in before if one.is_like(fault)), None)
                if same is not None:
                    before.remove(same)
                kept.append(same or fault.of(self._remove))
            self._standing = tuple(kept)

    def __iter__(self) -> Iterator[StandingFault]:
        """Those that stand."""
        return iter(self._standing)

    @property
    def injected(self) -> Counter[str]:
        """How often each fault, by its name, has changed something so far: standing ones, and those of rules."""
        return self._injected.copy()

    def _remove(self, fault: StandingFault) -> None:
        with self._lock:
            self._standing = tuple(each for each in self._standing if each is not fault)

    # -- what the hub's state asks, one thread at a time

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._standing)

    def may_befall(self, service: str, *legs: Leg) -> bool:
        """Whether one of them could befall an exchange of the service on one of these legs."""
        return any(fault.may_befall(service, legs) for fault in self._standing)

    def draw(self, service: str, *legs: Leg, generates: bool = True, piece: int = 1) -> tuple[Fault, ...]:
        """Those that befall the next exchange on these legs. `generates` tells whether it asks for a text."""
        drawn = [fault.draw(service, legs, generates=generates, piece=piece) for fault in self._standing]
        return tuple(fault for fault in drawn if fault is not None)

    def happened(self, fault: Fault) -> None:
        """Counts a fault that has changed something."""
        self._injected[fault.name] += 1
