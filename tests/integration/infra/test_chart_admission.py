"""A real Kubernetes API server takes every object of the chart. `make admission` builds one; there are no nodes, so nothing runs."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.integration.infra.test_chart import NAMESPACE, OPERATORS, helm, rendered
from tests.support.engines.ports import free_port

__all__ = ["helm", "rendered"]
HOME = Path(__file__).parents[3] / ".local" / "kubernetes"
SERVER = HOME / "kube-apiserver"
KINDS = HOME / "kinds"
TOKEN = "of-an-administrator"
FLAGS = (
    "--authorization-mode=AlwaysAllow",
    "--bind-address=127.0.0.1",
    "--disable-admission-plugins=ServiceAccount",  # the controller that makes each namespace's is not here
    "--service-account-issuer=https://kubernetes.example",
    "--service-cluster-ip-range=10.96.0.0/16",
)

Thing = dict[str, Any]


class Cluster:
    """An API server. Fields that it does not know are refused."""

    def __init__(self, address: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self._http = httpx.Client(base_url=address, verify=False, headers=headers, trust_env=False, timeout=60)  # noqa: S501

    def close(self) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        try:
            return self._http.get("/readyz").is_success
        except httpx.HTTPError:
            return False

    def put(self, thing: Thing, *, dry: bool = False) -> str:
        """Why it is refused, in the server's words; empty if it is taken. `dry`: admitted, and not kept."""
        answer = self._http.patch(
            self._path(thing),
            params={"fieldManager": "chart", "fieldValidation": "Strict", "force": "true"}
            | ({"dryRun": "All"} if dry else {}),
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=yaml.safe_dump(thing),
        )
        return "" if answer.is_success else str(answer.json()["message"])

    def knows(self, version: str, kind: str) -> bool:
        return kind in self._kinds(version)

    def _path(self, thing: Thing) -> str:
        plural, namespaced = self._kinds(thing["apiVersion"])[thing["kind"]]
        where = f"/namespaces/{thing['metadata'].get('namespace', NAMESPACE)}" if namespaced else ""
        return f"{_root(thing['apiVersion'])}{where}/{plural}/{thing['metadata']['name']}"

    def _kinds(self, version: str) -> dict[str, tuple[str, bool]]:
        answer = self._http.get(_root(version))
        listed = answer.json()["resources"] if answer.is_success else []
        return {each["kind"]: (each["name"], each["namespaced"]) for each in listed if "/" not in each["name"]}


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def until(holds: Any, within_seconds: float = 120) -> None:
    end = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    etcd = shutil.which("etcd")
    if not SERVER.exists() or etcd is None:
        pytest.skip("needs etcd (Debian: etcd-server) and an API server: `make admission` builds one, if Go is here")
    folder = tmp_path_factory.mktemp("kubernetes")
    client, peer, port = free_port(), free_port(), free_port()
    store = f"http://127.0.0.1:{client}"
    subprocess.run(["openssl", "genrsa", "-out", folder / "key.pem", "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f"{TOKEN},administrator,1,system:masters\n")
    keep = [f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--data-dir={folder / 'etcd'}"]
    keep += [f"--listen-client-urls={store}", f"--advertise-client-urls={store}"]
    serve = [f"--etcd-servers={store}", f"--secure-port={port}", f"--cert-dir={folder / 'certificates'}"]
    serve += [f"--service-account-{each}-file={folder / 'key.pem'}" for each in ("key", "signing-key")]
    serve += [f"--token-auth-file={folder / 'tokens.csv'}", *FLAGS]
    running = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in ([etcd, *keep], [str(SERVER), *serve])
    ]
    one = Cluster(f"https://127.0.0.1:{port}")
    try:
        until(one.is_ready)
        for file in sorted(KINDS.glob("*.yaml")):
            for each in yaml.safe_load_all(file.read_text()):
                assert each is None or one.put(each) == ""
        assert one.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}) == ""
        yield one
    finally:
        one.close()
        for process in reversed(running):
            process.kill()
            process.wait()


def test_an_api_server_takes_each_object_whose_kind_it_knows(rendered: list[Thing], cluster: Cluster) -> None:
    """Its own kinds, and those of the operators whose definitions lie in `.local/kubernetes/kinds`."""
    known = [each for each in rendered if cluster.knows(each["apiVersion"], each["kind"])]
    unknown = {each["kind"] for each in rendered if each not in known}
    assert unknown <= {kind for kinds in OPERATORS.values() for kind in kinds}
    assert {
        f"{each['kind']} {each['metadata']['name']}": why for each in known if (why := cluster.put(each, dry=True))
    } == {}
    assert len(known) > 30


def test_an_api_server_refuses_a_field_that_it_does_not_know(cluster: Cluster) -> None:
    """Else the other test would prove nothing."""
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "wrong"}, "dta": {"a": "b"}}
    assert "dta" in cluster.put(wrong, dry=True)
