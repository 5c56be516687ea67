"""Where the commands find keys: in files and the environment, which other users of the machine cannot read.

A key is never shown, not even in the error about the file that should have held it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from neuroengine.errors import ConfigurationError

KEY_VARIABLE: Final = "NEUROENGINE_SERVICE_KEY"


def service_key(key: str | None, key_file: str | None) -> str:
    """The service key, from wherever it was given.

    Raises:
        ConfigurationError: it was given nowhere, twice, or in a file that does not hold it.
    """
    if key is not None and key_file is not None:
        raise ConfigurationError("--key and --key-file exclude each other; the file is the safer place")
    if key_file is not None:
        return key_from_file(key_file, "--key-file")
    if key:
        click.echo(
            "Warning: every user of this machine can read --key in the list of processes; "
            f"--key-file and {KEY_VARIABLE} keep it to yourself",
            err=True,
        )
        return key
    if not os.environ.get(KEY_VARIABLE):
        raise ConfigurationError(
            f"there is no service key; put it into a file and name that with --key-file, or set {KEY_VARIABLE}"
        )
    return os.environ[KEY_VARIABLE]


def access_key(key_file: str | None) -> str | None:
    """The access key that a file holds; None when no file was named, so that the environment decides.

    Raises:
        ConfigurationError: the file does not hold it.
    """
    return None if key_file is None else key_from_file(key_file, "--access-key-file")


def key_from_file(name: str, option: str) -> str:
    """The one line that a file holds; it is never shown.

    Raises:
        ConfigurationError: the file cannot be read, or holds anything but one line.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = data.decode("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{option} names {name!r}, which cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{option} names {name!r}, which is no text in UTF-8") from None
    if not text or "\n" in text:
        raise ConfigurationError(f"{option} names {name!r}, which must hold the key on one line and nothing else")
    return text
