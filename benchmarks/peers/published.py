"""What published programs do, written from the protocol's description of them and from nothing else.

A client opens a TLS connection for each poll and reads the authorities anew each time. A provider looks at its socket
every 100 ms and handles one request at a time. Run as a program it is such a provider:

    python -m benchmarks.peers.published HOST:PORT CA_FILE SERVICE KEY
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
from http.client import HTTPSConnection
from time import sleep
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOK_S: Final = 0.1
"""How often the provider looks at its socket."""
READ_BYTES: Final = 4096
DEADLINE_S: Final = 20.0


def ask(address: tuple[str, int], path: str, request: Mapping[str, Any], *, ca_file: str | None) -> Any:
    """One request over a connection of its own; without `ca_file` nothing is verified."""
    if ca_file is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context = ssl.create_default_context()  # the system's authorities, read once a request
        context.load_verify_locations(ca_file)
    connection = HTTPSConnection(*address, timeout=DEADLINE_S, context=context)
    try:
        connection.request("POST", path, json.dumps(request), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def provide(address: str, ca_file: str, service: str, key: str, reply: str) -> None:
    """Logs in and answers every request with the same reply, until the hub closes the link."""
    host, _, port = address.partition(":")
    context = ssl.create_default_context(cafile=ca_file)
    plain = socket.create_connection((host, int(port)), DEADLINE_S)
    with context.wrap_socket(plain, server_hostname=host) as link:
        link.sendall(json.dumps({"user": service, "key": key}).encode())
        if link.recv(READ_BYTES).strip() != b"OK":
            raise ConnectionRefusedError(address)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            sleep(LOOK_S)
            if not link.pending() and not select.select([link], [], [], 0)[0]:
                continue
            data = link.recv(READ_BYTES)
            if not data:
                return
            if "ping" not in json.loads(data):
                payload = json.dumps({"reply": reply}).encode()
                link.sendall(b"%08X" % len(payload))
                link.sendall(payload)


if __name__ == "__main__":
    provide(*sys.argv[1:6])
