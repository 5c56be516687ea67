"""Reads what comes on a connection as requests, by httptools."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import httptools

from mockserver.http.turn import Turn

if TYPE_CHECKING:
    from mockserver.http.connection import HttpConnection


class NotHttp(Exception):
    """Raised when what came is no HTTP/1.1, or may mean two things to two readers."""


class Upgrade(Exception):
    """Raised behind a request to speak something else."""


class Reader:
    """Reads one connection. `turn` is the request that came last, `head_bytes` how much is there of the next head."""

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection
        self._parser = httptools.HttpRequestParser(self)
        # Else what follows a request that ends the connection would take the answer from it.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects_continue = False
        self.turn: Turn | None = None
        self.head_bytes = 0

    def feed(self, piece: bytes) -> None:
        """Reads on.

        Raises:
            NotHttp: this is none.
            Upgrade: it asks for something else; its body was skipped.
        """
        turn = self.turn
        if turn is None or turn.is_whole:
            self.head_bytes += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            raise Upgrade from None
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, httptools.HttpParserInvalidURLError | UnicodeDecodeError):
                raise  # it is a fault of the hub's own, which must not pass for the client's
            raise NotHttp("the target is none") from None
        except httptools.HttpParserError as error:
            raise NotHttp(str(error)) from None
        finally:
            if self.turn is not turn:
                self.head_bytes = 0

    def close(self) -> None:
        """Reads no more; the parser and its reader hold each other."""
        del self._parser

    # -- what the parser finds

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self._headers, self._expects_continue = b"", [], False

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what stands like one behind a body."""
        if self.turn is None or self.turn.is_whole:  # what comes behind a body is no header
            name = name.lower()
            self._headers.append((name, value))
            if name == b"expect" and value.lower() == b"100-continue":
                self._expects_continue = True

    def on_headers_complete(self) -> None:
        """A request's head is there."""
        parser = self._parser
        target = _target(self._url)
        path = target[0].decode("ascii")
        turn = Turn(
            self._connection,
            parser.get_method().decode("ascii"),
            unquote(path) if "%" in path else path,
            target,
            self._headers,
            parser.get_http_version(),
        )
        turn.ends_connection = turn.version == "1.0" or not parser.should_keep_alive()
        turn.asks_for_body = self._expects_continue
        self.turn = turn
        if parser.should_upgrade():
            turn.leave()  # it is not answered as a request
        else:
            self._connection.begins(turn)

    def on_body(self, data: bytes) -> None:
        """A part of a body."""
        turn = self.turn
        if turn is not None and not (turn.is_complete or turn.has_left):
            turn.add(data)
            self._connection.goes_on(turn)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self.turn is not None:
            self.turn.is_whole = True
            self._connection.goes_on(self.turn)


def _target(url: bytes) -> tuple[bytes, bytes]:
    """The path and the query that a request asks for.

    Raises:
        httptools.HttpParserInvalidURLError: it is none.
    """
    if url.startswith(b"/") and b"#" not in url:  # as nearly all are, and reading one costs less so
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""
