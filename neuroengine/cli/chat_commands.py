"""What a person may say to `neuroengine chat` besides questions: the lines that begin with `/`."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from neuroengine.cli.console import one_line, plain
from neuroengine.errors import NeuroengineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from neuroengine.cli.chat import Chat
    from neuroengine.models import Model

PREFIX: Final = "/"


class ChatCommand(NamedTuple):
    """A command: its argument's name, what it does in words, and the function that does it."""

    argument: str
    help: str
    run: Callable[[Chat, str], None]


def obey(chat: Chat, line: str) -> None:
    """Does what a line says that begins with the prefix."""
    name, _, argument = line.partition(" ")
    command = CHAT_COMMANDS.get(name)
    if command is None:
        chat.tell(
            f'There is no command "{one_line(name)}"; /help lists them.\n'
            'A question that begins with "/" needs a blank before it.'
        )
    else:
        command.run(chat, argument.strip())


def state_of(model: Model) -> str:
    """Whether a service can answer now."""
    if not model.connected:
        return "no provider is connected right now"
    return f"ready, requests that wait: {model.queuelen}" if model.queuelen else "ready"


def _retry(chat: Chat, _: str) -> None:
    if not chat.question:
        chat.tell("There is no question yet.")
        return
    turn = chat.talk.take_back() if chat.was_answered else None
    chat.ask(chat.question)
    if turn is not None and not chat.was_answered:  # the old reply is better than none
        chat.talk.add(*turn)
        chat.was_answered = True


def _reset(chat: Chat, _: str) -> None:
    chat.talk.clear()
    chat.question, chat.was_answered = "", False
    chat.tell("All is forgotten but the system text." if chat.talk.system else "All is forgotten.")


def _system(chat: Chat, text: str) -> None:
    chat.talk.system = text
    chat.tell("From now on the model is told that first." if text else "The model is told nothing beforehand.")


def _save(chat: Chat, name: str) -> None:
    if not name:
        chat.tell("Say where: /save FILE")
        return
    file = Path(name).expanduser()
    try:
        with file.open("x", encoding="utf-8", errors="backslashreplace") as out:
            out.write(_transcript(chat))
    except OSError as error:
        chat.tell(f"{str(file)!r} cannot be written: {error.strerror or error}")
    else:
        chat.tell(f"The conversation is in {str(file)!r}.")


def _transcript(chat: Chat) -> str:
    """The whole conversation as text; nothing in it steers a terminal that shows the file."""
    parts = [("System", chat.talk.system)] if chat.talk.system else []
    for turn in chat.talk.turns:
        parts += [("User", turn.question), (chat.client.service, turn.reply)]
    return "\n".join(f"{who}: {plain(text)}\n" for who, text in parts)


def _models(chat: Chat, _: str) -> None:
    try:
        models = chat.client.models()
    except NeuroengineError as error:
        chat.complain(error)
    else:
        rows = [(one_line(model.name), state_of(model)) for model in models]
        chat.tell(_list(rows) if rows else "The hub offers no service.")


def _help(chat: Chat, _: str) -> None:
    rows = [(f"{name} {command.argument}".strip(), command.help) for name, command in CHAT_COMMANDS.items()]
    chat.tell(f"{_list(rows)}\n\nA line that ends in a backslash goes on in the next one. Ctrl-C stops a reply.")


def _quit(chat: Chat, _: str) -> None:
    chat.is_over = True


def _list(rows: Sequence[tuple[str, str]]) -> str:
    """Names and their explanations side by side, as wide as the terminal allows."""
    formatter = click.HelpFormatter()
    with formatter.indentation():
        formatter.write_dl(rows)
    return formatter.getvalue().rstrip()


CHAT_COMMANDS: Final[Mapping[str, ChatCommand]] = MappingProxyType(
    {
        "/retry": ChatCommand("", "Ask the last question once more.", _retry),
        "/reset": ChatCommand("", "Forget the conversation so far.", _reset),
        "/system": ChatCommand(
            "[TEXT]", "Tell the model this before the conversation; without TEXT, nothing.", _system
        ),
        "/save": ChatCommand("FILE", "Write the conversation to a new file.", _save),
        "/models": ChatCommand("", "List the services of the hub.", _models),
        "/help": ChatCommand("", "Show this list.", _help),
        "/quit": ChatCommand("", "End the conversation, as Ctrl-D does.", _quit),
    }
)
"""The commands by their names, in the order in which they are shown."""
