"""What a force's engineers are given, run: the receivers, the acknowledgement, the vectors, the document's example."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import time_machine

from services.platform.delivery.channels.channel import SendRequest
from services.platform.delivery.channels.webhook import WebhookMedium, signed
from services.platform.delivery.webhook_signature import generate_key, is_signed
from services.police.notices.schema import About, Child, Notice, NoticeData, NoticeType
from services.police.replies import Reply, ReplyType
from services.safeguarding.duty.decisions import AttemptResult
from tests.support.engines.ports import free_port
from tests.support.in_process.delivery import sending
from tests.support.in_process.register import OTHER_SECRET, SECRET

DOCS = Path(__file__).parents[2] / "docs" / "integrating"
KIT = DOCS / "police"
OURS = generate_key()
DOCUMENT = (DOCS / "police.md").read_text()


def noticed(url: str, *, secrets: tuple[str, ...] = (SECRET,)) -> SendRequest:
    """With a name that is not ASCII."""
    notice = uuid4()
    about = {"notice": str(notice), "child": {"name": "Zoë"}}
    body = json.dumps({"type": "missing-notice.new", "data": about}, ensure_ascii=False)
    return sending(url, body, id=notice, secrets=secrets)


@pytest.fixture
async def medium() -> AsyncIterator[WebhookMedium]:
    started = WebhookMedium(sandbox=True)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the JavaScript receiver needs Node and npm")
    folder = tmp_path_factory.mktemp("javascript")
    shutil.copy(KIT / "receive.mjs", folder)
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "standardwebhooks@1"]
    done = subprocess.run(install, cwd=folder, capture_output=True, check=False, timeout=250)
    if done.returncode != 0:
        pytest.skip("npm cannot install standardwebhooks here")
    return folder


@contextmanager
def running(command: list[str], secret: str, port: int) -> Iterator[str]:
    receiver = subprocess.Popen(command, env=os.environ | {"NOTICE_SECRET": secret})
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        receiver.terminate()
        receiver.wait(30)


async def until_it_listens(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                await client.post(url, content=b"{}")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.fixture(params=["python", "javascript"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    port, kept = free_port(), tmp_path / "notices"
    if request.param == "python":
        command = [sys.executable, str(KIT / "receive.py"), str(port), str(kept)]
    else:
        folder = request.getfixturevalue("node_modules")
        command = [str(shutil.which("node")), str(folder / "receive.mjs"), str(port), str(kept)]
    with running(command, f"{SECRET} {OURS[1]}", port) as url:
        yield url, kept


async def test_a_receiver_of_the_kit_takes_a_notice_once_and_nobody_elses(
    receiver: tuple[str, Path], medium: WebhookMedium
) -> None:
    """Under both kinds of signature."""
    url, kept = receiver
    await until_it_listens(url)
    notice, by_key = noticed(url), noticed(url, secrets=(OURS[0],))
    answers = [await medium.send(each) for each in (notice, notice, by_key, by_key)]
    answers.append(await medium.send(noticed(url, secrets=(OTHER_SECRET, SECRET))))
    forged = [await medium.send(noticed(url, secrets=(key,))) for key in (OTHER_SECRET, generate_key()[0])]
    assert [each.result for each in answers] == [AttemptResult.ACCEPTED] * 5
    assert [(each.result, each.status) for each in forged] == [(AttemptResult.REFUSED, 401)] * 2
    assert len(list(kept.iterdir())) == 3
    assert (kept / f"{notice.id}.json").read_text() == notice.body


def test_the_vectors_are_what_we_would_send() -> None:
    vectors: list[dict[str, Any]] = json.loads((KIT / "vectors.json").read_text())
    for vector in vectors:
        headers = vector["headers"]
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        ours = signed(headers["webhook-id"], vector["body"], tuple(vector["secrets"]), at)
        assert {name: ours[name] for name in headers} == headers
        if "public" in vector:
            with time_machine.travel(at, tick=False):
                assert is_signed(vector["body"].encode(), headers, (vector["public"],))
    assert {len(vector["secrets"]) for vector in vectors} == {1, 2}
    assert any("public" in vector for vector in vectors)


def test_the_documents_example_has_the_notices_fields() -> None:
    found = re.search(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    example = json.loads(found[1])
    assert set(example["data"]) == set(NoticeData.model_fields) - {"request"}
    assert set(example["data"]["child"]) - {"..."} <= set(Child.model_fields)
    assert example["type"] == NoticeType.NEW


@pytest.mark.parametrize("value", [*About, *ReplyType])
def test_the_document_names_everything_that_is_sent_or_may_be_answered(value: str) -> None:
    assert f"`{value}`" in DOCUMENT


async def test_the_kits_acknowledgement_is_a_reply_that_police_takes(tmp_path: Path) -> None:
    taken: list[tuple[dict[str, str], bytes]] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:] if line)
        }
        taken.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    notice = {"data": {"notice": str(uuid4()), "episode": str(uuid4())}}
    (tmp_path / "notice.json").write_text(json.dumps(notice))
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment = os.environ | {"NOTICE_FILE": str(tmp_path / "notice.json"), "REPLY_SECRET": SECRET}
    command = [sys.executable, str(KIT / "acknowledge.py"), f"http://127.0.0.1:{port}/forces/x/replies"]
    acknowledging = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(acknowledging.communicate(), 60)
    server.close()
    assert out.strip() == b"202"
    [(headers, body)] = taken
    assert is_signed(body, headers, (SECRET,))
    assert str(Reply.model_validate_json(body).data.notice) == notice["data"]["notice"]


def test_the_whole_notice_among_the_vectors_has_every_field_of_the_schema() -> None:
    vectors: list[dict[str, Any]] = json.loads((KIT / "vectors.json").read_text())
    (whole,) = [vector["body"] for vector in vectors if "whole" in vector["name"]]
    notice = Notice.model_validate_json(whole)
    assert notice.model_dump_json() == whole, "a field was added or renamed since: render the vector anew"
    assert notice.data.exercise
