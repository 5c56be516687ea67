"""The lines that repeat an exchange from a shell, by curl, as they stand.

A stream key serves one stream only, so the lines make new ones; secrets are named, not written out.
"""

from __future__ import annotations

import re
import shlex
from itertools import groupby
from typing import TYPE_CHECKING

from conformance.redaction import parted, written_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.exchange import Request
    from conformance.settings import Settings

_PLAIN = re.compile(rb"[\x20-\x7e\n\t]*")


def shell_lines(requests: Iterable[Request], settings: Settings) -> str:
    """A command for each request, in their order; the same request many times in a row as a loop."""
    requests = list(requests)
    keys = {key: f"KEY{number or ''}" for number, key in enumerate(dict.fromkeys(k for r in requests for k in r.keys))}
    lines = [_new_key(variable, len(key)) for key, variable in keys.items()]
    names = written_names(settings.variables()) | {key.encode(): variable for key, variable in keys.items()}
    for request, repeats in groupby(requests):
        command = _curl(request, settings, names)
        count = len(list(repeats))
        lines.append(f"for i in $(seq {count}); do {command}; echo; done" if count > 1 else command)
    return "\n".join(lines)


def _new_key(variable: str, length: int) -> str:
    return f"{variable}=$(od -An -v -N{(length + 1) // 2} -tx1 /dev/urandom | tr -d ' \\n' | cut -c1-{length})"


def _curl(request: Request, settings: Settings, names: dict[bytes, str]) -> str:
    words = ["curl", "-sS", "--max-time", f"{settings.timeout:g}"]
    if settings.insecure:
        words.append("--insecure")
    if settings.ca_file and settings.url.startswith("https:"):
        words += ["--cacert", shlex.quote(settings.ca_file)]
    content_type = "Content-Type:" if request.content_type is None else f"Content-Type: {request.content_type}"
    if request.access_key:
        is_real = request.access_key == settings.access_key
        words += [
            "-H",
            '"Authorization: Bearer $NE_KEY"' if is_real else f"'Authorization: Bearer {request.access_key}'",
        ]
    words += [shlex.quote(settings.origin + request.path), "-H", shlex.quote(content_type), "--data-binary"]
    if _PLAIN.fullmatch(request.body) and not request.body.startswith(b"@"):
        return " ".join([*words, _quoted(request.body, names)])
    return " ".join([f"printf {_printed(request.body, names)} |", *words, "@-"])


def _quoted(text: bytes, names: dict[bytes, str]) -> str:
    """The text in shell quotes, with each key as the variable that holds a new one, or the secret."""
    words = [_variable(names, part) or shlex.quote(part.decode("ascii")) for part in parted(text, names) if part]
    return "".join(words) or "''"


def _variable(names: dict[bytes, str], part: bytes) -> str:
    return f'"${names[part]}"' if part in names else ""


def _printed(body: bytes, names: dict[bytes, str]) -> str:
    """The words for printf that make it write these bytes, with each key as the variable that holds it."""
    parts = parted(body, names)
    form = "%s".join(map(_octal, parts[::2]))
    return " ".join([f"'{form}'", *(_variable(names, key) for key in parts[1::2])])


def _octal(body: bytes) -> str:
    """The bytes as a format for printf, which every shell has."""
    plain = set(b' !#$&()*+,-./0123456789:;<=>?@[]^_`{|}~"') | set(range(65, 91)) | set(range(97, 123))
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in body)
