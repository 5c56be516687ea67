"""`neuroengine chat`: a conversation with a shared LLM, line by line.

The talk itself is a `Conversation`; this module reads lines and prints the replies as they come.

Laws:

- An error costs one question, never the conversation: it is one line, and the next question may be asked.
- Ctrl-C while a reply comes ends that reply; what was shown of it stays part of the conversation.
- Only a person at a terminal gives commands. Lines that are piped in are questions, whatever they begin with: a text
  from elsewhere must not write files here.
- Standard output holds replies alone; all else that is said goes to standard error.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine.cli import chat_commands, console
from neuroengine.cli.sampling import sampling_options, take_sampling
from neuroengine.conversation import Conversation, Frame
from neuroengine.errors import ConnectionFailed, NeuroengineError, UnknownServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from neuroengine.client import Client
    from neuroengine.models import Model

REPLY_TOKENS: Final = 512
"""The most tokens of a reply, unless the user says otherwise: an answer in a talk should not break off, and the spec's
own default ends most of them in the middle of a sentence."""

SEEDS: Final = 2**31
"""Seeds are drawn below this; the field itself takes more."""

_EPILOG: Final = """\b
Examples:
  neuroengine chat
  neuroengine chat --service MYGPT --system "You are a patient teacher."
  neuroengine chat < questions.txt > replies.txt

Exit code: 0 the conversation is over; 2 wrong usage; 130 Ctrl-C. Piped, also 1 when the hub answered an error to a
question, and 3 when it could not be reached or spoke nonsense; the last error decides."""


class Chat:
    """A conversation between whoever writes the lines and a service.

    Args:
        client: whom to ask; its own service.
        talk: the conversation.
        sampling: the sampling fields of every question; a seed that is left out is drawn for each.
        gettokens: the most tokens of a piece; None for the default.
        is_personal: whether a person types the lines, who sees a prompt and may give commands.

    Attributes:
        question: the last question, or the empty text.
        was_answered: whether it had a reply, so that it is the newest turn of the talk.
        is_over: whether the person wants to end.
        code: the exit code of the last error.
    """

    def __init__(
        self,
        client: Client,
        talk: Conversation,
        sampling: Mapping[str, Any],
        gettokens: int | None,
        *,
        is_personal: bool,
    ) -> None:
        self.client = client
        self.talk = talk
        self.question = ""
        self.was_answered = False
        self.is_over = False
        self.code = 0
        self._sampling = sampling
        self._gettokens = gettokens
        self._is_personal = is_personal
        self._models: Sequence[Model] = ()

    def meet(self) -> None:
        """Looks the service up: how it frames a prompt and, for a person, whether it is there.

        Raises:
            ConnectionFailed: the hub cannot be reached; a person is told so instead, and may try later.
        """
        try:
            self._models = self.client.models()
        except NeuroengineError as error:  # a hub without a list can be talked to as well
            if self._is_personal:
                console.complain(error)
            elif isinstance(error, ConnectionFailed) and not error.request_sent:
                raise  # nobody is there, and no program should wait for that once more with each line
        else:
            model = next((model for model in self._models if model.name == self.client.service), None)
            if model is not None:
                self.talk.frame = Frame.of_service(model.preprompt, model.endprompt)
            if self._is_personal:
                self.tell(self._greeting(model))
        if self._is_personal:
            self.tell("/help lists the commands, Ctrl-D ends.\n")

    def run(self) -> None:
        """Holds the conversation until the lines end."""
        for line in _typed() if self._is_personal else _piped():
            if self._is_personal and line.startswith(chat_commands.PREFIX):
                chat_commands.obey(self, line)
            elif line.strip():
                self.ask(line.strip())
            if self.is_over:
                return

    def ask(self, question: str) -> None:
        """Asks a question, shows the reply as it comes, and keeps both."""
        self.question, self.was_answered = question, False
        reader = self.talk.reader(question)
        reply = ""
        failure = None
        try:
            with self.client.stream(self.talk.prompt(question), gettokens=self._gettokens, **self._fields()) as pieces:
                for piece in pieces:
                    reply += _shown(reader.feed(piece))
                    if reader.over:
                        break
        except NeuroengineError as error:
            failure = error
        except KeyboardInterrupt:
            if not self._is_personal:
                raise
        reply += _shown(reader.finish())
        if reply:
            self.talk.add(question, reply)
            self.was_answered = True
            console.write("\n")
        if failure is not None:
            self.complain(failure)
        elif not reply:
            self.tell("There is no reply; /retry asks again." if self._is_personal else "There is no reply.")
        if self._is_personal:
            self.tell("")

    def tell(self, text: str) -> None:
        """Says something that is no reply."""
        click.echo(text, err=True)

    def complain(self, error: NeuroengineError) -> None:
        """Shows an error, and remembers its exit code."""
        if isinstance(error, UnknownServiceError):
            error.add_note(console.meant(self.client.service, self._models))
        console.complain(error)
        self.code = console.exit_code(error)

    def _fields(self) -> Mapping[str, Any]:
        """The sampling fields of the next question."""
        fields = {"seed": random.randrange(SEEDS), **self._sampling}
        return fields | {"raw": True} if self.talk.frame.raw else fields

    def _greeting(self, model: Model | None) -> str:
        """What a person should know of the service before the first question."""
        service = self.client.service
        if model is not None:
            return f"{service}: {chat_commands.state_of(model)}."
        advice = console.meant(service, self._models)
        return f"The hub lists no service {service!r}{f'; {advice}' if advice else ''}. /models shows what it has."


def _shown(text: str) -> str:
    """Prints a part of a reply; returns it as it came."""
    console.write(console.plain(text))
    return text


def _typed() -> Iterator[str]:
    """The lines of a person, until Ctrl-D; a backslash at a line's end joins it with the next."""
    with suppress(ImportError):  # from here on `input` edits lines and remembers them, where the system can
        readline = import_module("readline")
        if "GNU" in (readline.__doc__ or ""):
            readline.parse_and_bind("set enable-bracketed-paste on")  # so that pasted lines are one question
    begun = ""
    while True:
        try:
            line = begun + _input("  " if begun else "> ")
        except EOFError:
            click.echo(err=True)  # the shell's prompt begins a line
            return
        begun = f"{line[:-1]}\n" if line.endswith("\\") else ""
        if not begun:
            yield line


def _input(prompt: str) -> str:
    """One line; the prompt is kept out of an output that is piped."""
    if sys.stdout.isatty():
        return input(prompt)
    click.echo(prompt, nl=False, err=True)
    return input()


def _piped() -> Iterator[str]:
    """The lines of standard input."""
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise click.UsageError(f"line {number} of standard input is not UTF-8") from None


@click.command(name="chat", epilog=_EPILOG)
@console.service_option
@click.option("--system", default="", metavar="TEXT", help="What the model is told before the conversation.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="How long a prompt may grow, in UTF-8, before the oldest turns are left out of it. "
    "[default: what every hub takes, about 8 KiB]",
)
@console.hub_options
@sampling_options(max_new_len=REPLY_TOKENS, seed="a new one for each question")
def command(service: str | None, system: str, budget: int | None, gettokens: int | None, **options: Any) -> None:
    """Hold a conversation with a shared LLM.

    Each line is a question. At a terminal a line that begins with "/" is a command, /help lists them; Ctrl-C ends a
    reply that still comes, or at the prompt the conversation, as Ctrl-D does.

    Piped, every line is a question, and only the replies are printed.
    """
    sampling = take_sampling(options, max_new_len=REPLY_TOKENS)
    with console.connected(service, **options) as client:
        talk = Conversation(system=system, budget_bytes=budget)
        chat = Chat(client, talk, sampling, gettokens, is_personal=sys.stdin.isatty())
        chat.meet()
        chat.run()
    if chat.code and not sys.stdin.isatty():
        raise click.exceptions.Exit(chat.code)
