"""What answers the requests of a service: ready-made callbacks for a provider, each named by a short text.

A backend is a callback like any other, so a program may use one, too:

    Provider("MYGPT", key, backend("openai:http://localhost:8000")).serve_forever()

Laws of every backend but `python`, whose function is on its own: `max_new_len` 0 is answered with the empty reply and
asks nobody (NE-REQ-034); what goes wrong costs one error answer whose sentence is safe to show a client, and the whole
reason goes to the log; an answer that is given up frees what it held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from neuroengine._generated.registry import PROVIDER_ANSWER_S
from neuroengine.errors import ConfigurationError

if TYPE_CHECKING:
    from neuroengine.answering.callback import Answer

__all__ = ["FORMS", "Checked", "backend"]

FORMS: Final = {
    "echo": "the prompt's own words, at most max_new_len of them",
    "sim": "the mock hub's simulated model",
    "exec:COMMAND": "a program, from the prompt to the reply",
    "python:MODULE:FUNCTION": "a function, from the request to the reply",
    "openai:URL[#MODEL]": "a server such as vLLM, llama.cpp or Ollama",
}
"""Every form of a backend's name, and what answers then."""


@runtime_checkable
class Checked(Protocol):
    """A backend that can see, before any request, whether it will be able to answer."""

    async def check(self) -> str:
        """What will answer, in a few words for its operator.

        Raises:
            ConfigurationError: it cannot answer; the message says what to do.
        """


def backend(spec: str, *, key: str | None = None, timeout: float = PROVIDER_ANSWER_S) -> Answer:
    """The callback that a text names, in one of the forms of `FORMS`.

    What can be seen at once is seen here: the module is imported, the command looked for.

    Args:
        spec: the backend's name, for example `exec:./reply.sh --fast`.
        key: the API key of an `openai` backend; otherwise OPENAI_API_KEY, or none.
        timeout: how long an `exec` or `openai` backend may say nothing at all, in seconds.

    Raises:
        ConfigurationError: there is no such backend, or it cannot answer; the message says what to do.
    """
    name, colon, rest = spec.partition(":")
    if name in {"echo", "sim"} and not colon:
        if name == "sim":
            from neuroengine.backends.sim import simulated_model

            return simulated_model()
        from neuroengine.backends.echo import echo

        return echo
    if name == "exec" and rest.strip():
        from neuroengine.backends.exec import Command

        return Command(rest, timeout=timeout)
    if name == "python" and rest:
        from neuroengine.backends.python import function

        return function(rest)
    if name == "openai" and rest:
        from neuroengine.backends.openai import OpenAI

        return OpenAI(rest, key=key, timeout=timeout)
    forms = "; ".join(f"{form} ({meaning})" for form, meaning in FORMS.items())
    raise ConfigurationError(f"{spec!r} is no backend; the forms are: {forms}")
