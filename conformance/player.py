"""Takes the steps of a stream machine, one after another, and tells the oracle what came.

A player plays one example. It blames a breach on the requirement that its run looks at, and on that alone: where
another law broke, or an answer got lost that nobody can make up for, the rest of the example is left out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.oracle import Delivery, Finding, Law

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.stream import Stream

SLOTS: Final = ("A", "B")
"""Where streams live, one at a time in each. Each has a request of its own; one more is there to begin anew with."""
LARGE: Final = 20
PAUSES_S: Final = (0.0, 0.02, 0.05)
"""How long to wait before each try of a poll."""
PAUSE_S: Final = 0.01
LET_GO_S: Final = 0.5
"""How long a hub may take to close a connection whose client has left."""
SETTLED_S: Final = 0.1
"""How long it may take, once it has closed the connection, to do what follows from that."""
PATIENCE_S: Final = 5.0


class Aim(NamedTuple):
    """What one run looks at: the laws, each behind a kind of step or (with "") anywhere; and the kinds of step."""

    laws: frozenset[tuple[Law, str]]
    kinds: frozenset[str]
    by_index: bool = False


def aim(laws: dict[Law, str], *kinds: str, by_index: bool = False) -> Aim:
    """An aim; `laws` are given with the kind of step behind which they count."""
    return Aim(frozenset(laws.items()), frozenset(kinds), by_index)


class Step(NamedTuple):
    """One step that was drawn."""

    kind: str
    slot: str
    sizes: tuple[int, ...] = ()

    def simpler(self) -> list[Step]:
        """The same with the sizes that are easiest to read; one poll for a whole reading."""
        if self.kind == "read":
            return [Step("poll", self.slot, (1,))]
        sizes = (1,) * len(self.sizes)
        return [self._replace(sizes=sizes)] if self.sizes not in {sizes, ()} else []

    def __str__(self) -> str:
        """It in words."""
        size = " and ".join(map(str, self.sizes))
        words = {
            "poll": f"poll {self.slot} for {size}",
            "race": f"poll {self.slot} for {size} at the same time",
            "read": f"poll {self.slot} until its end",
            "again": f"ask for the last piece of {self.slot} again, for {size}",
            "lose": f"poll {self.slot} for {size}, and close the connection with the answer unread",
            "leave": f"open {self.slot} with a poll for {size}, and leave while the provider thinks",
            "renew": f"begin {self.slot} anew with another message, behind its end",
            "pause": "pause",
        }
        return words[self.kind]


@dataclass
class Track:
    """One stream: what it asks for, how it is polled, what may have been delivered, and the kinds of step behind it."""

    number: int
    stream: Stream
    delivery: Delivery
    is_unsure: bool = False
    """Whether a piece may have been given out that nobody saw, so that nobody knows which one was the last."""
    marks: set[str] = field(default_factory=lambda: {""})


class Scene:
    """Where a run plays: the path of each slot's service, the requests, and the texts that they get there.

    A text is None where nobody knows it.
    """

    def __init__(
        self, judge: Judge, paths: Mapping[str, str], requests: Sequence[Mapping[str, Any]], texts: Sequence[str | None]
    ) -> None:
        self.judge = judge
        self.paths = paths
        self.requests = requests
        self.texts = texts
        self.is_quick = threading.Event()
        """Set while the suite's own provider answers at once."""
        self.is_quick.set()
        self.was_asked = threading.Event()

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the suite's own provider answers."""
        self.was_asked.set()
        self.is_quick.wait(PATIENCE_S)
        known = {fields["message"]: text for fields, text in zip(self.requests, self.texts, strict=True)}
        return {"reply": known.get(request.get("message"), ""), "errorcode": 0}


class Player:
    """Takes the steps of one example, and tells the oracle what came."""

    def __init__(self, scene: Scene, target: Aim) -> None:
        self._scene = scene
        self._judge = scene.judge
        self.aim = target
        self._tracks: dict[str, Track] = {}
        self._story: list[str] = []
        self._exchanges: list[Exchange] = []
        self._is_given_up = False
        self._shared_keys: list[str] = []
        self._rounds = dict.fromkeys(SLOTS, 0)

    def take(self, step: Step) -> None:
        """Takes a step, unless something came before of which the rest would tell nothing."""
        if self._is_given_up:
            return
        self._story.append(str(step))
        actions = {
            "poll": self._poll,
            "race": self._race,
            "read": self._read,
            "again": self._again,
            "lose": self._lose,
            "leave": self._leave,
            "renew": self._renew,
            "pause": self._pause,
        }
        actions[step.kind](step)

    # -- the steps

    def _poll(self, step: Step) -> None:
        track = self._track(step.slot)
        exchange = self._ask(track, step.sizes[0])
        if exchange.is_success:
            track.is_unsure = False
            self._judge_by(track, track.delivery.gave(exchange.reply), exchange)
        elif exchange.is_error:
            self._judge_by(track, track.delivery.failed(exchange.describe()), exchange)
            self._is_given_up = True
        else:
            self._is_given_up = True  # nobody knows what was lost with the answer

    def _race(self, step: Step) -> None:
        track = self._track(step.slot)
        track.marks.add("race")
        requests = [
            self._judge.request(
                track.stream.fields(gettokens=size), keys=(track.stream.key,), path=self._scene.paths[step.slot]
            )
            for size in step.sizes
        ]
        answers = self._judge.post_together(requests)
        self._exchanges += answers
        replies = [exchange.reply for exchange in answers if exchange.is_success]
        self._story[-1] += f": {replies}"
        self._is_given_up |= any(exchange.trouble for exchange in answers)
        if replies and not self._is_given_up:
            self._judge_by(track, track.delivery.gave_together(replies), *answers)

    def _read(self, step: Step) -> None:
        track = self._track(step.slot)
        for _ in range(track.stream.most_polls):
            if track.delivery.is_over or self._is_given_up:
                return
            self._story.append(f"poll {step.slot} for {LARGE}")
            self._poll(step._replace(sizes=(LARGE,)))
        finding = Finding(Law.END, "the end", f"no end in {track.stream.most_polls} polls")
        self._judge_by(track, finding, self._exchanges[-1])

    def _again(self, step: Step) -> None:
        track = self._track(step.slot)
        if track.is_unsure or not (track.delivery.pieces or track.delivery.is_over):
            return
        track.marks.add("again")
        exchange = self._ask(track, step.sizes[0], back=1)
        if exchange.is_success:
            self._judge_by(track, track.delivery.repeated(exchange.reply), exchange)
        else:
            self._is_given_up |= bool(exchange.trouble)
            self._judge_by(track, Finding(Law.SAME, "the same again", exchange.describe()), exchange)

    def _lose(self, step: Step) -> None:
        track = self._track(step.slot)
        if track.delivery.is_over:
            return
        track.marks.add("lose")
        track.is_unsure = True
        call = track.stream.begin(gettokens=step.sizes[0], **self._index(track))
        call.is_heard_within(PATIENCE_S if step.sizes[0] % 2 else PAUSE_S)
        call.leave()
        if not self.aim.by_index:
            track.delivery.lost()

    def _leave(self, step: Step) -> None:
        scene = self._scene
        self._tracks.pop(step.slot, None)
        track = self._track(step.slot)
        track.marks.add("leave")
        scene.is_quick.clear()
        scene.was_asked.clear()
        try:
            call = track.stream.begin(gettokens=step.sizes[0])
            # Only of a hub that is seen to let the client go it is known that it has seen it leave.
            self._is_given_up = not (scene.was_asked.wait(PATIENCE_S) and call.is_let_go_within(LET_GO_S))
            call.leave()
            self._judge.subject.pause(SETTLED_S)
        finally:
            scene.is_quick.set()

    def _renew(self, step: Step) -> None:
        self._read(step)
        if self._is_given_up:
            return
        before = self._tracks[step.slot]
        own, spare = SLOTS.index(step.slot), len(SLOTS)
        self._tracks[step.slot] = self._new(step.slot, own if before.number == spare else spare, before.stream.key)
        self._tracks[step.slot].marks.add("renew")

    def _pause(self, step: Step) -> None:  # noqa: ARG002 - as the others
        self._judge.subject.pause(PAUSE_S)

    # -- what they need

    def _track(self, slot: str) -> Track:
        """The stream of a slot; a new one behind its end, where what comes behind it is not looked at."""
        track = self._tracks.get(slot)
        looks_behind = any(law is Law.OVER for law, _ in self.aim.laws)
        if track is None or (track.delivery.is_over and not looks_behind):
            track = self._tracks[slot] = self._new(slot, SLOTS.index(slot))
        return track

    def _new(self, slot: str, number: int, key: str | None = None) -> Track:
        texts = self._scene.texts
        others = [text for other, text in enumerate(texts) if text is not None and other != number]
        if "share" in self.aim.kinds:
            key = self._shared_key(slot)
        stream = self._judge.stream(self._scene.requests[number], key, self._scene.paths[slot])
        return Track(number, stream, Delivery(texts[number], others))

    def _shared_key(self, slot: str) -> str:
        """The key that this stream of the slot and the same one of the other slot have in common."""
        number = self._rounds[slot]
        self._rounds[slot] += 1
        while len(self._shared_keys) <= number:
            self._shared_keys.append(self._judge.new_key())
        return self._shared_keys[number]

    @property
    def open_slots(self) -> list[str]:
        """The slots whose streams have begun and not ended."""
        return [slot for slot, track in self._tracks.items() if not track.delivery.is_over]

    def clean_up(self) -> None:
        """Reads what is left, so that the hub holds no stream of this example any more."""
        for slot in self.open_slots:
            for _ in PAUSES_S:
                if not self._tracks[slot].stream.poll_once(gettokens=1_000, **self._index(self._tracks[slot])).reply:
                    break

    def _index(self, track: Track, back: int = 0) -> dict[str, int]:
        if not self.aim.by_index:
            return {}
        return {"seq": len(track.delivery.pieces) + track.delivery.is_over - back}

    def _ask(self, track: Track, size: int, back: int = 0) -> Exchange:
        """One poll; tried again, as clients do, when it gets an error."""
        for pause in PAUSES_S:
            self._judge.subject.pause(pause) if pause else None
            exchange = track.stream.poll_once(gettokens=size, **self._index(track, back))
            self._exchanges.append(exchange)
            if not exchange.is_error:
                break
        came = repr(exchange.reply) if exchange.is_success and exchange.reply else "the end"
        self._story[-1] += f": {came if exchange.is_success else exchange.describe()}"
        return exchange

    def _judge_by(self, track: Track, finding: Finding | None, *exchanges: Exchange) -> None:
        """Judges what came, where this run looks at it; where another law broke, the example is given up."""
        judged = {law for law, mark in self.aim.laws if mark in track.marks}
        if finding is None:
            if judged:
                self._judge.sees(*exchanges)
        elif finding.law in judged:
            steps = "\n".join(f"{number}. {step}" for number, step in enumerate(self._story, 1))
            self._judge.breaks(
                finding.expected, f"{finding.actual}, at the end of these steps:\n{steps}", *self._exchanges
            )
        else:
            self._is_given_up = True
