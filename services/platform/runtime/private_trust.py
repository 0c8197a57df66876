"""Makes TLS contexts for whoever is vouched for by an authority that an operator has named."""

import ssl
from pathlib import Path


def trusting(*, cafile: Path | None = None, cadata: str | None = None) -> ssl.SSLContext:
    """Trusts the named authority alone, or the public ones if none is named.

    Since Python 3.13 a certificate without key identifiers is refused. Private authorities issue such ones, Strimzi's
    too (its issue 11375): theirs are taken. Who signed, for whom and until when is verified all the same.
    """
    context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    if cafile is not None or cadata is not None:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
