"""What the first run fetches is pinned, comes through a proxy that inspects TLS, and is whole or not there."""

import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from infra.docker.certificates import Authority
from infra.kafka import jars
from infra.kafka.jars import CannotFetch
from infra.local import bootstrap, pip_wheel, trust

CONTENT = {"/a/group/one/1.0/one-1.0.jar": b"the first", "/a/group/two/2.0/two-2.0.jar": b"the second"}


class Repository(BaseHTTPRequestHandler):
    served: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = self.served.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's word
        """Silent."""


@pytest.fixture
def inspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Maven and the package index behind a proxy with an authority of its own. Gives the authority's certificate."""
    monkeypatch.setattr(Repository, "served", dict(CONTENT))
    monkeypatch.setattr(Repository, "asked", [])
    for each in (*trust.NAMED_BY, "SSL_CERT_DIR"):
        monkeypatch.delenv(each, raising=False)
    authority = Authority.make()
    (tmp_path / "proxy.pem").write_text(authority.issue("proxy", "localhost"))
    (tmp_path / "authority.pem").write_text(authority.certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "proxy.pem")
    with HTTPServer(("127.0.0.1", 0), Repository) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        monkeypatch.setenv(jars.MIRROR, f"https://localhost:{server.server_port}")
        monkeypatch.setenv("PIP_INDEX_URL", f"https://localhost:{server.server_port}/simple")
        yield tmp_path / "authority.pem"
        server.shutdown()
        serving.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    names = ("a.group:one:1.0", "a.group:two:2.0")
    hashes = (hashlib.sha256(each).hexdigest() for each in CONTENT.values())
    lock = tmp_path / "jars.lock"
    lock.write_text("".join(f"{name} {sha256}\n" for name, sha256 in zip(names, hashes, strict=True)))
    return lock


def test_kafka_is_locked_with_all_that_it_needs() -> None:
    locked = {f"{each.group}:{each.artifact}:{each.version}": each.sha256 for each in jars.locked()}
    assert {jars.KAFKA, jars.LOGGING} <= set(locked)
    assert len(locked) > 40
    assert {len(each) for each in locked.values()} == {64}


def test_jars_come_through_a_proxy_whose_authority_the_machine_trusts_once(
    inspected: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(inspected))
    for _ in range(2):
        fetched = jars.fetch(tmp_path / "cache", lock)
    assert {each.name: each.read_bytes() for each in fetched.iterdir()} == {
        "one-1.0.jar": b"the first",
        "two-2.0.jar": b"the second",
    }
    assert sorted(Repository.asked) == sorted(CONTENT)


@pytest.mark.usefixtures("inspected")
def test_an_authority_that_is_not_trusted_is_named_as_the_cause(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotFetch, match=r"from localhost: its certificate .* proxy that inspects TLS.*SSL_CERT_FILE"):
        jars.fetch(tmp_path / "cache", lock)
    with pytest.raises(OSError, match="proxy that inspects TLS"):
        pip_wheel.unpack_pip(tmp_path)


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_the_rest_is_kept(
    inspected: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(inspected))
    [right, lied_about] = CONTENT
    monkeypatch.setitem(Repository.served, lied_about, b"something else")
    with pytest.raises(CannotFetch, match=r"sent another two-2.0.jar"):
        jars.fetch(tmp_path / "cache", lock)
    assert [each.name for each in (tmp_path / "cache").rglob("*.jar")] == ["one-1.0.jar"]
    monkeypatch.setitem(Repository.served, lied_about, CONTENT[lied_about])
    assert len(list(jars.fetch(tmp_path / "cache", lock).iterdir())) == 2
    assert Repository.asked.count(right) == 1


def test_a_jar_that_is_not_there_is_named(
    inspected: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(inspected))
    monkeypatch.setattr(Repository, "served", {})
    with pytest.raises(CannotFetch, match=r"one-1.0.jar .* 404"):
        jars.fetch(tmp_path / "cache", lock)


def test_pip_trusts_the_same_authority_and_says_the_same_cause(
    inspected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the pip of this environment: first without the authority, then with it, when the index lacks the package."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("absent==1.0 --hash=sha256:" + 64 * "0" + "\n")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(bootstrap.CannotBootstrap, match="proxy that inspects TLS"):
        bootstrap._install_from(lock)
    monkeypatch.setenv("SSL_CERT_FILE", str(inspected))
    with pytest.raises(bootstrap.CannotBootstrap, match=r"could not install requirements.lock \(see above\)"):
        bootstrap._install_from(lock)
    assert "No matching distribution found for absent" in capfd.readouterr().err
