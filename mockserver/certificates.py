"""A throw-away certificate authority, so that a mock hub on this machine can be verified like a real one."""

from __future__ import annotations

import ssl
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp

import trustme

HOSTS = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A certificate authority made for one run, and a server certificate of its for this machine's own names."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="Neuroengine mock hub")

    @cached_property
    def ca_pem(self) -> bytes:
        """The authority's certificate, which clients have to trust."""
        return self._ca.cert_pem.bytes()

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
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._ca.issue_cert(*(hosts or HOSTS)).configure_cert(context)
        return context

    def close(self) -> None:
        """Removes the files that were written."""
        folder: Path | None = self.__dict__.pop("_folder", None)
        if folder is not None:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
