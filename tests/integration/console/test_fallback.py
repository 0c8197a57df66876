"""The pack for when all is down: written from the real database, put in two places, opened with nothing of ours but a key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from pyrage import x25519

from services.console.read_model.projections import Handlers
from services.options.fallback_pack.pack import (
    PACK,
    PackPage,
    PackPlan,
    PackWriter,
    SealedPack,
    WrongKey,
    fetch,
    open_pack,
    put,
    seal,
)
from services.platform.runtime import places
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.places import NotOurs, PlaceAway, public_key, signer
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import code_of, in_words
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.console import duty_changed, episode_changed, hear, heard, step
from tests.support.in_process.register import authority, load, number_of

KEY = signer("c2FmZSByZXR1cm4gc2lnbnMgd2hhdCBpdCB3cml0ZXM=")
IDENTITY = x25519.Identity.generate()


class Later(Clocks):
    by = timedelta(0)

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.by


async def test_a_pack_says_who_is_missing_who_was_told_and_whom_to_ring_and_names_no_child(
    database: Database, opened: Store, keyring: Keyring
) -> None:
    document = authority()
    name = document["authority"]["id"]
    casework = database.engine("casework")
    ids = await load(casework, keyring, document, datetime.now(UTC))
    await casework.dispose()
    episode = uuid4()
    told = duty_changed(episode, step(0, Role.DUTY_WORKER, "acknowledged"), state="acknowledged")
    both = [each.model_copy(update={"authority": name}) for each in (episode_changed(episode), told)]
    await hear(opened, Handlers(Clocks()), *(heard(each, ids["C1"]) for each in both))
    page = await PackPage(opened, Clocks(), keyring).write(name) or ""
    assert f"C1 ({code_of(episode)}): missing since" in page
    assert number_of(document, "day").replace("+44", "0")[-6:] in page
    assert all(each["name"] in page for each in document["forces"])
    names = [child["name"] for child in document["children"]]
    assert not [each for each in names if each in page]


async def entered(database: Database, keyring: Keyring) -> str:
    """An authority without any case."""
    document, casework = authority(), database.engine("casework")
    await load(casework, keyring, document, datetime.now(UTC))
    await casework.dispose()
    return str(document["authority"]["id"])


async def test_an_authority_that_the_register_does_not_have_gets_no_pack_that_says_that_nobody_is_missing(
    database: Database, opened: Store, keyring: Keyring, tmp_path: Path
) -> None:
    known = await entered(database, keyring)
    plans = {
        name: PackPlan.model_validate(
            {
                "recipients": [str(IDENTITY.to_public())],
                "places": [(tmp_path / name / each).as_uri() for each in ("one", "two")],
            }
        )
        for name in ("misspelt", known)
    }
    await PackWriter(PackPage(opened, Clocks(), keyring), plans, KEY).turn()
    with pytest.raises(PlaceAway):
        await fetch(plans["misspelt"].places[0])
    page = open_pack(await fetch(plans[known].places[0]), str(IDENTITY), public_key(KEY))
    assert "Open cases: 0" in page


@pytest.fixture
async def store_in_the_cloud() -> AsyncIterator[tuple[str, dict[str, bytes]]]:
    held: dict[str, bytes] = {}

    async def take(request: web.Request) -> web.Response:
        held[request.path_qs] = await request.read()
        return web.Response(status=201)

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=held[request.path_qs]) if request.path_qs in held else web.Response(status=404)

    app = web.Application()
    app.router.add_put("/{name:.*}", take)
    app.router.add_get("/{name:.*}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/packs?token=t", held
    await runner.cleanup()


async def test_each_place_has_the_newest_pack_and_one_that_is_away_delays_no_other(
    database: Database, opened: Store, keyring: Keyring, tmp_path: Path, store_in_the_cloud: tuple[str, Any]
) -> None:
    address, held = store_in_the_cloud
    away = f"http://127.0.0.1:{free_port()}/"
    name = await entered(database, keyring)
    plan = PackPlan.model_validate(
        {"recipients": [str(IDENTITY.to_public())], "places": [away, tmp_path.as_uri(), address]}
    )
    clocks = Later()
    writer = PackWriter(PackPage(opened, clocks, keyring), {name: plan}, KEY)
    await writer.turn()
    with pytest.raises(PlaceAway):
        await fetch(plan.places[0])
    for place in plan.places[1:]:
        page = open_pack(await fetch(place), str(IDENTITY), public_key(KEY))
        assert "<h1>Safe Return" in page
    assert sorted(held) == ["/packs/pack.html.age.sig?token=t", "/packs/pack.html.age?token=t"]
    assert name.encode() not in held["/packs/pack.html.age?token=t"]
    first = (tmp_path / PACK).read_bytes()
    await writer.turn()
    assert (tmp_path / PACK).read_bytes() == first, "not yet due"
    clocks.by = timedelta(minutes=15)
    await writer.turn()
    assert (tmp_path / PACK).read_bytes() != first
    written = [
        REGISTRY.get_sample_value("fallback_pack_written_timestamp_seconds", {"authority": name, "place": str(n)})
        for n in (1, 2, 3)
    ]
    assert written[0] is not None
    assert written[1] == written[2] == pytest.approx(written[0] + 900, abs=60)


async def test_an_authority_whose_pack_cannot_be_written_keeps_no_other_from_theirs(
    database: Database, opened: Store, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, second = PackPage.write, await entered(database, keyring)

    async def some(page: PackPage, authority: str) -> str | None:
        if authority == "first":
            raise LookupError
        return await write(page, authority)

    monkeypatch.setattr(PackPage, "write", some)
    places = [(tmp_path / each).as_uri() for each in ("one", "two")]
    plan = PackPlan.model_validate({"recipients": [str(IDENTITY.to_public())], "places": places})
    writer = PackWriter(PackPage(opened, Clocks(), keyring), {"first": plan, second: plan}, KEY)
    with pytest.raises(LookupError):
        await writer.turn()
    assert f", {in_words(second)}: as it stood" in open_pack(
        await fetch(plan.places[1]), str(IDENTITY), public_key(KEY)
    )


def test_a_pack_that_was_changed_or_is_anothers_is_not_opened() -> None:
    sealed = seal("<h1>ours</h1>", [str(IDENTITY.to_public())], KEY)
    assert open_pack(sealed, f"{IDENTITY}\n", public_key(KEY)) == "<h1>ours</h1>"
    other = signer("YW5vdGhlciBpbnN0YWxsYXRpb24gc2lnbmVkIHRoaXM=")
    for wrong in (
        SealedPack(sealed.pack[:-1] + b"x", sealed.signature),
        SealedPack(sealed.pack, b"no signature"),
        seal("<h1>false</h1>", [str(IDENTITY.to_public())], other),
    ):
        with pytest.raises(NotOurs):
            open_pack(wrong, str(IDENTITY), public_key(KEY))
    for identity in (str(x25519.Identity.generate()), "none"):
        with pytest.raises(WrongKey):
            open_pack(sealed, identity, public_key(KEY))


async def test_a_pair_of_two_writers_is_written_again(
    database: Database, opened: Store, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process puts its pack and its signature between our two."""
    name, two = await entered(database, keyring), [(tmp_path / each).as_uri() for each in ("one", "two")]
    plan = PackPlan.model_validate({"recipients": [str(IDENTITY.to_public())], "places": two})
    writer, take = PackWriter(PackPage(opened, Clocks(), keyring), {name: plan}, KEY), places._Folder.put
    others = seal("<h1>Another's</h1>", plan.recipients, KEY)

    def take_anothers_too(folder: Any, name: str, source: Any) -> None:
        take(folder, name, source)
        if name == PACK:
            take(folder, PACK, BytesIO(others.pack))

    with monkeypatch.context() as racing:
        racing.setattr(places._Folder, "put", take_anothers_too)
        await writer.turn()
    with pytest.raises(NotOurs):
        open_pack(await fetch(plan.places[0]), str(IDENTITY), public_key(KEY))
    await writer.turn()
    for each in plan.places:
        assert in_words(name) in open_pack(await fetch(each), str(IDENTITY), public_key(KEY))


async def test_a_reader_never_meets_half_a_pack(tmp_path: Path) -> None:
    plan = PackPlan.model_validate(
        {"recipients": [str(IDENTITY.to_public())], "places": [tmp_path.as_uri(), "file:///elsewhere"]}
    )
    long = seal("x" * 2_000_000, plan.recipients, KEY)
    writing = asyncio.create_task(put(plan.places[0], long))
    sizes: set[int] = set()
    while not writing.done():
        sizes.update({(tmp_path / PACK).stat().st_size} if (tmp_path / PACK).exists() else ())
        await asyncio.sleep(0)
    await writing
    assert sizes <= {len(long.pack)}
