"""A standalone script that takes the steps of a check again, for breaches that a row of curl lines cannot show.

Those are breaches in which the order of things on both legs matters, or requests that run at the same time, or pauses.
The script needs Python alone; it prints what it does and what comes. Stream keys are made anew, because a key serves
one stream only; secrets are read from the environment.
"""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.redaction import parted, secret_spans, written_names
from conformance.reproduce import prelude
from conformance.settings import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.exchange import Request
    from conformance.settings import Settings
    from conformance.timeline import Step

BEGINS: Final = "python3 - <<'EOF'"
ENDS: Final = "EOF"
LONGEST: Final = 400
"""A script of more steps is none that a person reads."""
_NAMES: Final = {variable: setting.upper() for setting, variable in SECRETS.items()}
"""What a script calls the secret that a variable of the environment holds."""


def needs_script(steps: Sequence[Step]) -> bool:
    """Whether these steps are more than requests one after another."""
    if not 0 < len(steps) <= LONGEST:
        return False
    open_requests = 0
    for step in steps:
        if step.leg == "provider" or step.what in {"pause", "leave"}:
            return True
        open_requests += 1 if step.what == "post" else -1
        if open_requests > 1:
            return True
    return False


class Parts(NamedTuple):
    """A printed script: its first line, what every script brings along, and what this one does."""

    first: str
    shared: str
    steps: str


def parts(lines: str) -> Parts | None:
    """The parts of a printed script; none of lines that are no script. Joined by line ends they are the script."""
    first, _, rest = lines.partition("\n")
    shared, mark, steps = rest.rpartition("\n\n\n")
    return Parts(first, f"{shared}\n\n", steps) if first == BEGINS and mark else None


def steps_of(lines: str) -> str:
    """What a script does, without what every script brings along."""
    found = parts(lines)
    return found.steps.removesuffix(f"\n{ENDS}") if found else ""


def script(steps: Sequence[Step], settings: Settings) -> str:
    """The script as a line for a shell that runs as it stands."""
    return "\n".join([BEGINS, _source(), "", "", *_lines(steps, settings), ENDS])


def _source() -> str:
    return inspect.getsource(prelude).split('"""', 2)[2].strip()


def _lines(steps: Sequence[Step], settings: Settings) -> Iterable[str]:
    texts = _Texts(steps, settings)
    taken = list(_taken(steps, texts))
    yield from texts.definitions("\n".join(taken))
    yield (
        f"hub = Hub({settings.origin!r}, {settings.provider!r}, ca_file={settings.ca_file!r}, "
        f"insecure={settings.insecure})"
    )
    yield from taken


def _taken(steps: Sequence[Step], texts: _Texts) -> Iterable[str]:
    """A line for each step that is taken again."""
    for (what, who), group in groupby(steps, lambda step: (step.what, step.who)):
        same = list(group)
        match what:
            case "send":
                yield f"hub.send({', '.join([str(who), *map(texts.literal, same)])})"
            case "pause":
                yield f"hub.pause({sum(float(step.data) for step in same):g})"
            case _:
                yield from (_line(step, texts) for step in same)


def _line(step: Step, texts: _Texts) -> str:
    match step.what:
        case "post":
            return texts.post(step)
        case "login":
            return f"hub.log_in({step.who}, {texts.literal(step)})"
        case "receive" | "closed":
            ping = ", ping=True" if b'"ping"' in step.data else ""
            return f"hub.receive({step.who}{ping})"
        case "abort":
            return f"hub.close({step.who}, notify=False)"
        case "trouble":
            return f"hub.answer({step.who})"
        case what:
            return f"hub.{what}({step.who})"


class _Texts:
    """Writes bytes as Python: what is made anew, and what is secret, by name."""

    def __init__(self, steps: Sequence[Step], settings: Settings) -> None:
        requests = [step.request for step in steps if step.request is not None]
        self._keys = {
            key.encode(): f"KEY{number}"
            for number, key in enumerate(dict.fromkeys(key for request in requests for key in request.keys), 1)
        }
        self._variables = {_NAMES[variable]: variable for variable in settings.secrets()}
        self._secrets = {secret: _NAMES[name] for secret, name in written_names(settings.variables()).items()}
        self._access_key = settings.access_key
        self._spans = secret_spans(steps, list(self._secrets))

    def definitions(self, lines: str) -> Iterable[str]:
        """The lines that say what the names stand for, where other lines use them."""
        for key, name in self._keys.items():
            yield f"{name} = new_key({len(key)})"
        for name, variable in self._variables.items():
            if name in lines:
                yield f"{name} = secret({variable!r})"

    def post(self, step: Step) -> str:
        """The line that sends a request."""
        request: Request | None = step.request
        if request is None:
            raise ValueError("a post without its request")
        words = [str(step.who), repr(request.path), self._named(request.body), repr(request.content_type)]
        if request.access_key:
            is_real = request.access_key == self._access_key
            words.append("ACCESS_KEY.decode()" if is_real else repr(request.access_key))
        return f"hub.post({', '.join(words)})"

    def literal(self, step: Step) -> str:
        """The bytes of one write; where a login is cut inside its key, the part of the key that belongs there."""
        at, parts = 0, []
        for span in self._spans.get(id(step), []):
            parts += [self._named(step.data[at : span.begin])] if span.begin > at else []
            name = self._secrets[span.secret]
            parts.append(name if span.is_whole else f"{name}[{span.offset}:{span.offset_behind or ''}]")
            at = span.end
        rest = step.data[at:]
        return " + ".join([*parts, self._named(rest)] if rest or not parts else parts)

    def _named(self, data: bytes) -> str:
        names = self._secrets | self._keys
        words = [names.get(part) or repr(part) for part in parted(data, names) if part]
        return " + ".join(words) or repr(data)
