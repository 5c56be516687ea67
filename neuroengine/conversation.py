"""A conversation, put into one prompt: the protocol has no message roles, so a talk is text like any other.

Laws:

- No input or output: whoever holds a `Conversation` sends its prompt and hands back what came.
- A prompt keeps within its budget by leaving out the oldest turns, each one whole. The newest question and the system
  text are never left out, even where they alone are too long: the hub says so then.
- A reply ends where the model begins to play the user's part.

What stands between the turns is a `Frame`. A service may tell in the model list what it puts before and after a prompt
(`preprompt` and `endprompt`). Where it tells both, every turn is written between them and the prompt goes out raw, so
that the service does not add them once more: a conversation of one question is then exactly what the model reads
without us. Where it tells none or one of the two, nothing says where a question begins and where the model's turn does,
so the turns are labelled in plain words, and the service puts its own around the whole.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER_MEMBERS_BYTES: Final = 512
"""Room in a request's body for all that is no message: sampling fields, stream key, names."""


class Turn(NamedTuple):
    """A question and its reply."""

    question: str
    reply: str


class Frame(NamedTuple):
    """What stands around questions and replies in a prompt.

    Attributes:
        before: what stands before a question.
        between: what stands between a question and its reply.
        after: what stands between a reply and the next question.
        mark: what a model writes when it begins to play the user's part.
        raw: whether the prompt must be sent raw, because the frame is the service's own.
    """

    before: str
    between: str
    after: str
    mark: str
    raw: bool

    @classmethod
    def of_service(cls, preprompt: object = None, endprompt: object = None) -> Frame:
        """The frame for a service that tells these members in the model list; they may be absent or nonsense."""
        if not isinstance(preprompt, str) or not isinstance(endprompt, str):
            return LABELS
        lines = preprompt.strip().splitlines()
        if not lines or not endprompt.strip():
            return LABELS
        # A pre-prompt may tell the model much before the question; its last line is what announces one.
        return cls(preprompt, endprompt, "\n", mark=f"\n{lines[-1].strip()}", raw=True)

    def question(self, text: str) -> str:
        """A question, and the invitation to reply."""
        return f"{self.before}{text}{self.between}"

    def turn(self, turn: Turn) -> str:
        """A question with its reply."""
        gap = "" if self.between[-1:].isspace() else " "
        return f"{self.question(turn.question)}{gap}{turn.reply}{self.after}"


LABELS: Final = Frame("User: ", "\nAssistant:", "\n\n", mark="\nUser:", raw=False)
"""The frame that any model understands."""


@cache
def least_room_bytes() -> int:
    """The longest message, as `size_bytes` counts it, that every hub takes.

    A client may rely on bodies of 16 KiB and on messages of 8 KiB in UTF-8 (NE-LIM-001, NE-LIM-002).
    """
    (floor,) = (limit["floor"] for limit in spec.limits() if limit["name"] == "http_body_bytes")
    return (int(floor) - OTHER_MEMBERS_BYTES) // 2


def size_bytes(text: str) -> int:
    """How much of a hub's room a message takes, in bytes: its UTF-8, or half of its ASCII-escaped JSON if that is more.

    Bodies may be twice as long as messages, and a request escapes all that is not ASCII: a letter of two bytes needs
    six then.
    """
    return max(len(text.encode("utf-8", "surrogatepass")), len(json.dumps(text)) // 2)


class Conversation:
    """A talk with a model: the turns so far, and the prompt for the next one.

        talk = Conversation(system="Answer in one sentence.")
        question = "Hello!"
        reply = client.generate(talk.prompt(question), raw=talk.frame.raw).text
        talk.add(question, reply)

    Args:
        system: what the model is told before the first turn; it may be changed at any time.
        frame: what stands around questions and replies.
        budget_bytes: how long a prompt may be, as `size_bytes` counts it; left out, what every hub takes.
    """

    def __init__(self, *, system: str = "", frame: Frame = LABELS, budget_bytes: int | None = None) -> None:
        self.system = system
        self.frame = frame
        self.budget_bytes = least_room_bytes() if budget_bytes is None else budget_bytes
        self._turns: list[Turn] = []

    @property
    def turns(self) -> Sequence[Turn]:
        """All turns so far, also those that a prompt leaves out."""
        return tuple(self._turns)

    def prompt(self, question: str) -> str:
        """The prompt that asks the question, with as many of the newest turns before it as the budget holds."""
        system = f"{self.system}\n\n" if self.system else ""
        talk = self.frame.question(question)
        for turn in reversed(self._turns):
            longer = self.frame.turn(turn) + talk
            if size_bytes(system + longer) > self.budget_bytes:
                break
            talk = longer
        return system + talk

    def reader(self, question: str) -> ReplyReader:
        """Reads the reply to the question's prompt as it comes."""
        return ReplyReader(self.prompt(question), self.frame.mark)

    def add(self, question: str, reply: str) -> Turn:
        """Adds a turn; the reply as it came, or as a reader gave it out. Returns the turn as it is kept."""
        reader = self.reader(question)
        turn = Turn(question, reader.feed(reply) + reader.finish())
        self._turns.append(turn)
        return turn

    def take_back(self) -> Turn | None:
        """Removes the newest turn and returns it; None when there is none."""
        return self._turns.pop() if self._turns else None

    def clear(self) -> None:
        """Forgets all turns; the system text stays."""
        self._turns.clear()


class ReplyReader:
    """Reads one reply, piece by piece, and gives out what surely belongs to it.

    It leaves out white space around the reply, the prompt where a model repeats it in front of its reply (as some do
    with raw prompts), and everything from the mark on.
    """

    def __init__(self, prompt: str, mark: str) -> None:
        self._prompt = prompt
        self._mark = mark
        self._is_behind_prompt = False  # whether it is settled what of the beginning is the prompt come back
        self._held = ""  # came, and may still turn out not to belong to the reply
        self._begun = False
        self.over = False
        """Whether the model began to play the user's part: nothing more will be given out."""

    def feed(self, piece: str) -> str:
        """Takes the next piece; returns the text that is now sure, often empty."""
        self._held += piece
        return "" if self.over or self._may_be_echo() else self._release()

    def finish(self) -> str:
        """Says that no piece comes any more; returns the rest of the text."""
        if self.over:
            return ""
        self._drop_echo()
        text = self._release()
        rest, self._held = self._held.rstrip(), ""
        return text + (rest if self._begun else rest.lstrip())

    def _may_be_echo(self) -> bool:
        """Whether what came is no more than the beginning of the prompt."""
        begins_like_it = len(self._held) < len(self._prompt) and self._prompt.startswith(self._held)
        if begins_like_it and not self._is_behind_prompt:
            return True
        self._drop_echo()
        return False

    def _drop_echo(self) -> None:
        """Drops the prompt, if it came back; what follows is the reply and begins a line."""
        if not self._is_behind_prompt:
            self._is_behind_prompt = True
            self._held = "\n" + self._held.removeprefix(self._prompt)

    def _release(self) -> str:
        """The text before the mark, or before what may become one; the white space before it is held as well."""
        end = self._held.find(self._mark)
        self.over = end >= 0
        if not self.over:
            lengths = range(min(len(self._mark) - 1, len(self._held)), 0, -1)
            end = len(self._held) - next((n for n in lengths if self._held.endswith(self._mark[:n])), 0)
        text = self._held[:end].rstrip()
        self._held = "" if self.over else self._held[len(text) :]
        if not self._begun:
            text = text.lstrip()
        self._begun = self._begun or bool(text)
        return text
