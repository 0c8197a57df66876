"""Says whose certificates the first run's fetches trust. Standard library alone: it runs before anything is installed.

A proxy that inspects TLS shows certificates of its own authority. A machine behind it has that authority in its store,
which pip's own list does not know.
"""

import os
import ssl
from pathlib import Path

STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep it: Debian's family, Red Hat's, and Alpine's and macOS's."""
NAMED_BY = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
UNTRUSTED = (
    "its certificate is of an authority that this machine does not trust. That is usual behind a proxy that inspects"
    " TLS: put the proxy's authority into the machine's store (as root on Debian: copy it to"
    " /usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates), or set SSL_CERT_FILE to a PEM file of"
    " the authorities to trust, and run again"
)


def store() -> str | None:
    """The file of authorities to trust: what the environment names, or the machine's own."""
    named = [os.environ[each] for each in NAMED_BY if os.environ.get(each)]
    own = ssl.get_default_verify_paths().cafile
    return next((each for each in (*named, own, *STORES) if each and Path(each).exists()), None)


def context() -> ssl.SSLContext:
    """Checks certificates against `store`, and what this Python trusts by itself.

    As far as every Python did until 3.12: the authorities of many such proxies lack what 3.13 wants of them besides.
    """
    checking, known = ssl.create_default_context(), store()
    if known is not None:
        checking.load_verify_locations(known)
    checking.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return checking


def is_untrusted(problem: BaseException | None) -> bool:
    """True when a certificate that cannot be checked is what kept an address away."""
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return True
        reason = getattr(problem, "reason", None)
        problem = reason if isinstance(reason, BaseException) else problem.__cause__
    return False
