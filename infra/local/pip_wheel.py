"""Installs pip for a Python that came without it: one pinned wheel, checked and unpacked into the new environment."""

import hashlib
import io
import os
import re
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from infra.local import trust

WHEEL = "pip-26.3-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def unpack_pip(site_packages: Path) -> None:
    """Raises OSError when the package index cannot be reached or serves another file than the pinned one."""
    page_url = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    link = re.search(rf'href="([^"#]*{re.escape(WHEEL)})', _fetch(page_url).decode())
    if link is None:
        raise OSError(f"{page_url} does not offer {WHEEL}: install pip or python3-venv and try again")
    wheel = _fetch(urllib.parse.urljoin(page_url, link.group(1)))
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        raise OSError(f"{page_url} serves another {WHEEL} than the pinned one: nothing was installed")
    zipfile.ZipFile(io.BytesIO(wheel)).extractall(site_packages)


def _fetch(url: str) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise OSError(f"the package index must be an http address, and {url} is not")
    try:
        with urllib.request.urlopen(url, timeout=60, context=trust.context()) as answer:  # noqa: S310 - checked above
            return bytes(answer.read())
    except OSError as problem:
        why = trust.UNTRUSTED if trust.is_untrusted(problem) else problem
        raise OSError(f"pip could not be fetched from the package index: {why}") from problem
