"""Writes each authority's pack every quarter of an hour: who is missing, who was told, whom to ring. It needs nothing
of ours to be read.

A pack is sealed to its authority, signed, and put in its places. One that is fetched is opened only if it is ours
and whole.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pyrage
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jinja2 import Template
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyrage import RecipientError, x25519

from services.console import metrics
from services.console.acts.service import ConsoleService
from services.console.policy.shift import board, describe_cases
from services.console.policy.status import overview
from services.console.read_model.projections import open_cases
from services.console.web.templates import Words, environment
from services.platform.register import directory
from services.platform.runtime.logs import logger
from services.platform.runtime.places import Place, PlaceAway, open_place, require_signed, sign
from services.platform.runtime.process import Repeating, run_each
from services.safeguarding.identifiers import AuthorityId


class PackPlan(BaseModel):
    """Of one authority. `recipients` are age keys: whoever holds one of their identities can open the pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipients: tuple[str, ...] = Field(min_length=1)
    places: tuple[Place, ...] = Field(min_length=2)
    """Two at least: one of them may be down as well."""


class PlanFault(Exception):
    """The plan cannot be used; the text says what is wrong and what would be right."""


def read_plans(file: Path) -> dict[AuthorityId, PackPlan]:
    """By authority. Raises PlanFault."""
    try:
        written = yaml.safe_load(file.read_text())
        plans = {name: PackPlan.model_validate(each) for name, each in written.items()}
    except OSError as error:
        raise PlanFault(f"{file} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, AttributeError):
        raise PlanFault(f"{file} has to be YAML: an authority a key, under it `recipients` and `places`") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise PlanFault(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name, plan in plans.items():
        for each in plan.recipients:
            _require_key(file, name, each)
    return plans


def _require_key(file: Path, name: str, recipient: str) -> None:
    try:
        x25519.Recipient.from_str(recipient)
    except RecipientError:
        msg = f"{file}: {name}.recipients: an age key begins with age1 (`services fallback new-key` makes one)"
        raise PlanFault(msg) from None


PACK, SIGNATURE = "pack.html.age", "pack.html.age.sig"


class SealedPack(NamedTuple):
    """`pack` is an age file; `signature` is Ed25519's over its bytes, in base64. Both go to each place."""

    pack: bytes
    signature: bytes


class WrongKey(Exception):
    """The identity is none of those that the pack was sealed to."""


def seal(page: str, recipients: Sequence[str], key: Ed25519PrivateKey) -> SealedPack:
    pack = pyrage.encrypt(page.encode(), [x25519.Recipient.from_str(each) for each in recipients])
    return SealedPack(pack, sign(pack, key))


def open_pack(sealed: SealedPack, identity: str, public: str) -> str:
    """The page. Raises NotOurs before anything is decrypted, and WrongKey."""
    require_signed(sealed.pack, sealed.signature, public)
    try:
        page: bytes = pyrage.decrypt(sealed.pack, [x25519.Identity.from_str(identity.strip())])
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise WrongKey from None
    return page.decode()


async def put(place: Place, sealed: SealedPack) -> None:
    """In place of the last one. The pack first: a reader between the two meets a signature that does not fit. Raises
    PlaceAway, also where another process wrote at the same moment and one file is its, the other ours.
    """
    for name, content in ((PACK, sealed.pack), (SIGNATURE, sealed.signature)):
        await asyncio.to_thread(open_place(place).put, name, BytesIO(content))
    found = await fetch(place)
    if (found.pack == sealed.pack) != (found.signature == sealed.signature):
        raise PlaceAway("another process wrote at the same moment")


async def fetch(place: Place) -> SealedPack:
    """Raises PlaceAway where there is none."""
    pack, signature = BytesIO(), BytesIO()
    for name, into in ((PACK, pack), (SIGNATURE, signature)):
        await asyncio.to_thread(open_place(place).fetch, name, into)
    return SealedPack(pack.getvalue(), signature.getvalue())


ROTA_OF = timedelta(days=7)


class PackPage(ConsoleService):
    """Names children by their codes. Names and numbers are of people on duty alone, and of control rooms."""

    @cached_property
    def words(self) -> Words:
        return Words()

    @cached_property
    def template(self) -> Template:
        return environment(self.words).get_template("pack.html")

    async def write(self, authority: AuthorityId) -> str | None:
        """A page of HTML without links or scripts, for paper. None for an authority that the register does not have: a
        page of it would say that no child is missing.
        """
        now = self.clocks.story()
        async with self.store.read([authority]) as reader:
            known, cases, rota, numbers, forces, areas = await reader.fetch(
                directory.is_known(authority),
                open_cases([authority]),
                directory.rota_lines(self.keyring, [authority], now),
                directory.telephones(self.keyring, [authority]),
                directory.force_lines(self.clocks.wall()),
                directory.areas_with_placements([authority]),
            )
        if not known:
            return None
        near = {force for _, force in areas}
        return self.template.render(
            now=now,
            authority=authority,
            cases=describe_cases(overview(cases, (), now).cases, self.words.of),
            board=board(rota, now, ROTA_OF),
            numbers=numbers,
            forces=sorted(forces, key=lambda each: (each.force not in near, each.name)),
        )


EVERY = timedelta(minutes=15)
LOOKS_EVERY_SECONDS = 60
"""A place that was away is tried again then."""


class PackWriter:
    """Each process of the console writes; the later pack takes the earlier one's place."""

    def __init__(self, page: PackPage, plans: Mapping[AuthorityId, PackPlan], key: Ed25519PrivateKey) -> None:
        self._page, self._plans, self._key = page, plans, key
        started = page.clocks.wall()
        self._written: dict[tuple[AuthorityId, int], datetime] = {}
        for authority, plan in plans.items():
            for number in range(len(plan.places)):
                metrics.PACK_WRITTEN.labels(authority, number + 1).set(started.timestamp())
        self._repeating = Repeating("fallback packs", self.turn, every_seconds=LOOKS_EVERY_SECONDS)
        self.start, self.stop = self._repeating.start, self._repeating.stop

    async def turn(self) -> None:
        """A place that is away delays no other, and an authority whose pack cannot be written no other authority. The
        database away: the places keep the last pack. Raises the last error.
        """
        await run_each(self._write_due, self._plans)

    async def _write_due(self, authority: AuthorityId) -> None:
        plan, now = self._plans[authority], self._page.clocks.wall()
        written = [self._written.get((authority, number)) for number in range(len(plan.places))]
        due = [number for number, last in enumerate(written) if last is None or now - last >= EVERY]
        if not due:
            return
        page = await self._page.write(authority)
        if page is None:
            logger().warning("the fallback plan names an authority that the register does not have")
            return
        sealed = seal(page, plan.recipients, self._key)
        for number in due:
            try:
                await put(plan.places[number], sealed)
            except PlaceAway as away:
                logger().warning("a fallback pack was not taken", name=f"place {number + 1}", reason=str(away))
                continue
            self._written[authority, number] = now
            metrics.PACK_WRITTEN.labels(authority, number + 1).set(now.timestamp())
