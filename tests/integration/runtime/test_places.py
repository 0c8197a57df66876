"""A folder, an address and a bucket keep files alike; what is away is said without its name."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from aiohttp import web
from moto import mock_aws
from pydantic import HttpUrl, TypeAdapter, ValidationError

from services.platform.runtime.places import NotThere, OpenPlace, Place, PlaceAway, open_place
from tests.support.engines.ports import free_port


def opened(address: str) -> OpenPlace:
    return open_place(TypeAdapter(Place).validate_python(address))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "played")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield "s3://kept/copies"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> OpenPlace:
    return opened(bucket if request.param == "bucket" else (tmp_path / "a folder").as_uri())


def fetched(place: OpenPlace, name: str) -> bytes:
    into = BytesIO()
    place.fetch(name, into)
    return into.getvalue()


def test_files_are_put_listed_fetched_replaced_and_removed(place: OpenPlace) -> None:
    assert place.names() == []
    for name in ("wal/2", "wal/1", "base/1"):
        place.put(name, BytesIO(name.encode()))
    assert place.names() == ["base/1", "wal/1", "wal/2"]
    assert place.names("wal") == ["wal/1", "wal/2"]
    place.put("wal/1", BytesIO(b"anew" * 3_000_000))
    assert fetched(place, "wal/1") == b"anew" * 3_000_000
    place.put("wal-of-another/1", BytesIO(b"x"))
    place.remove("wal/2")
    assert place.names("wal") == ["wal/1"]
    with pytest.raises(NotThere):
        fetched(place, "wal/2")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("address", ["s3://another/copies", "file:///dev/null/folder"])
def test_a_place_that_does_not_take_is_away_and_not_named(address: str) -> None:
    with pytest.raises(PlaceAway) as away:
        opened(address).put("wal/1", BytesIO(b"x"))
    assert not re.search(r"another|copies|folder|wal", str(away.value))


@pytest.fixture
async def store() -> AsyncIterator[str]:
    held: dict[str, bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            held[request.path_qs] = await request.read()
        return web.Response(body=held[request.path_qs]) if request.path_qs in held else web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{name:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/packs?token=t"
    await runner.cleanup()


async def test_an_address_takes_and_gives_and_cannot_be_listed(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By no proxy that the machine's environment names."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    place = opened(store)
    await asyncio.to_thread(place.put, "anchors/1", BytesIO(b"one"))
    assert await asyncio.to_thread(fetched, place, "anchors/1") == b"one"
    with pytest.raises(NotThere):
        await asyncio.to_thread(fetched, place, "anchors/2")
    with pytest.raises(PlaceAway, match="cannot be listed"):
        place.names()


def test_other_addresses_are_no_place() -> None:
    assert isinstance(TypeAdapter(Place).validate_python("https://a.example/"), HttpUrl)
    for wrong in ("ftp://a.example/", "s3:///no-bucket", "/a/path"):
        with pytest.raises(ValidationError):
            TypeAdapter(Place).validate_python(wrong)
