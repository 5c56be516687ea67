"""A throw-away certificate authority, so that a mock hub on this machine can be verified like a real one.

Its keys are made for one run and are known to this process alone: the authority's is never written down, a server's
only while OpenSSL reads it, in a folder that nobody else may enter.
"""

from __future__ import annotations

import ssl
from base64 import encodebytes
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp

from mockserver.x509 import ORGANIZATION, Key, authority_certificate, server_certificate

HOSTS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A certificate authority made for one run, and a server certificate of its for this machine's own names."""

    def __init__(self) -> None:
        self._key = Key()
        self._name = f"{ORGANIZATION}'s authority {self._key.identifier.hex()[:8]}"
        self._certificate = authority_certificate(self._key, self._name)

    @cached_property
    def ca_pem(self) -> bytes:
        """The authority's certificate, which clients have to trust."""
        return ssl.DER_cert_to_PEM_cert(self._certificate).encode("ascii")

    @cached_property
    def _folder(self) -> Path:
        return Path(mkdtemp(prefix="neuroengine-mock-"))

    @cached_property
    def ca_file(self) -> str:
        """The path of a PEM file that holds the authority's certificate."""
        path = self._folder / "ca.pem"
        path.write_bytes(self.ca_pem)
        return str(path)

    def server_context(self, hosts: tuple[str, ...] | None = None) -> ssl.SSLContext:
        """A context for a server on this machine, or of other host names, TLS 1.2 or newer."""
        key = Key()
        certificate = server_certificate(key, hosts or HOSTS, self._key, self._name)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        path = self._folder / "server.pem"  # the folder is this user's alone
        try:
            path.write_bytes(
                b"-----BEGIN EC PRIVATE KEY-----\n" + encodebytes(key.der) + b"-----END EC PRIVATE KEY-----\n"
            )
            with path.open("a", encoding="ascii") as file:
                file.write(ssl.DER_cert_to_PEM_cert(certificate))
            context.load_cert_chain(path)
        finally:
            path.unlink(missing_ok=True)
        return context

    def close(self) -> None:
        """Removes the files that were written."""
        folder: Path | None = self.__dict__.pop("_folder", None)
        if folder is not None:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
