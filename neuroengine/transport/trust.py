"""Whom to trust: the TLS settings of every connection to a hub, the client's and the provider's.

Verification is on unless it is switched off by name; TLS 1.2 is the least; a certificate file that was named and
cannot be read is an error, never a reason to trust somebody else.
"""

from __future__ import annotations

import os
import ssl

from neuroengine.errors import ConfigurationError


def ssl_context(verify: bool = True, ca_file: str | None = None) -> ssl.SSLContext:
    """The TLS settings of a connection to a hub.

    Args:
        verify: whether the hub's certificate and name are checked (NE-CLI-003). False is for tests alone.
        ca_file: a PEM file of the only authorities to trust. Otherwise the standard variables SSL_CERT_FILE and
            SSL_CERT_DIR name them, or else they are the system's; a system without any gets those of certifi.

    Raises:
        ConfigurationError: a named file or folder is missing or holds no certificate.
    """
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without authorities: reading them takes longer than a poll
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = _trusting(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    """A context that trusts what was named, or else the system's authorities."""
    if ca_file is not None:
        return _from_store("the option for authorities to trust (ca_file)", ca_file, None)
    named_file, named_folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if named_file or named_folder:
        return _from_store("SSL_CERT_FILE or SSL_CERT_DIR", named_file or None, named_folder or None)
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _from_store(source: str, file: str | None, folder: str | None) -> ssl.SSLContext:
    """A context that trusts a PEM file or a folder of certificates.

    Raises:
        ConfigurationError: it cannot be read.
    """
    named = file or folder
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except ssl.SSLError:
        raise ConfigurationError(f"{source} names {named!r}, which holds no certificate in PEM form") from None
    except OSError as error:
        reason = error.strerror or "it is missing"
        raise ConfigurationError(f"{source} names {named!r}, which cannot be read: {reason}") from None
