"""Golden stories played by real people and systems: each in an authority of its own, an act at once, on one stack whose time is moved."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.local.example import authority as example_authority
from infra.local.example import organisations as example_organisations
from infra.local.settings.secret_files import SecretFiles
from services.platform.delivery.links import Links, Purpose
from services.platform.messages.envelope import Received, compose, read
from services.protocol.loader import Library, files
from services.protocol.policy.case import Facts
from services.protocol.simulate import Answers, Happening, Story, Timeline, name_in_story, read_story, tell
from services.safeguarding import identifiers
from services.safeguarding.duty.duties import Duty, DutyAcknowledged, DutyDelivered, Outcome, parts_of
from services.safeguarding.message import Message, Topic
from services.safeguarding.roles import Channel, Role
from services.safeguarding.working_time import ADULT, ENGLAND, birthday
from services.schemas.messages import first_to_say
from tests.support.outside.world import World
from tests.support.signatures import signer_of

OF_OTHERS = ("professionals", "strategy-discussion", "discussion-record", "full-meeting", "arrival-and-care")
"""Rules that the stories leave aside (tests/scenarios/test_stories.py), and those that only a real discussion sets off, or that call for one:
nobody on duty here has a mailbox.
"""
LATE = timedelta(seconds=55)
"""By so much a telling may come after its time: what the machine takes to carry out everything that is due at once."""
DESK_ANSWERS_AFTER = timedelta(seconds=2)
"""What the sandbox's desk takes to say that an officer has a notice, with the reference: stories give it a minute or two."""
SETTLED_WITHIN_SECONDS = 270
BEFORE, QUIET_SECONDS = timedelta(hours=1), 3
"""So long before an act, on any day that a run starts, its children are entered: what counts from then is due as long after the act begins.
Before and after, the theatre waits until nothing has been said for so many seconds: what is due by then is done.
"""
FOLLOWED_WITHIN_SECONDS = 1.0
"""What a process promises: by then it goes by the story time that was set (services/platform/store/story_clock.py)."""
NUMBERS, ITS_NUMBERS = 700, 5
"""The first play's first number, and how many each play has: the range for drama ends at 999."""
DESKS = {"answers": "northmoor-police", "takes": "southvale-police", "is unreachable": "nowhere-police"}
TEXTED = {
    ("child.reported-missing", None): "MISSING",
    ("child.return-claimed", None): "BACK",
    ("missing.retraction-claimed", None): "FALSE ALARM",
    ("report.retracted", "return"): "NOT BACK",
    ("police.reference-texted", None): "REF {number}",
}
"""What is proven by a code is said on the bus at once: the handshake has tests of its own, and here no time may pass for it."""
PROFESSIONALS = (
    Role.POLICE_MISSING_COORDINATOR, Role.CHILD_SOCIAL_WORKER, Role.CHILD_TEAM_MANAGER, Role.CHILD_INDEPENDENT_REVIEWING_OFFICER,
    Role.CHILD_HEALTH_PRACTITIONER, Role.CHILD_GUARDIAN, Role.CHILD_LEGAL_ADVISER, Role.HOST_DUTY_DESK, Role.HOME_OFFICE_MISSING_DESK,
    Role.CHILD_PERSONAL_ADVISER, Role.LEAVING_CARE_DESK,
)  # fmt: skip
"""Their mailboxes take everything. Whoever answers in a story presses the button of the page behind the mail."""
OF_THE_CHILD = {"modern_slavery_concern", "age_disputed", "guardian_allocated", "entered_care_at"}
"""What stories say of a child that the register's file may say too, besides the date of birth."""
DUTY_ROLES = {
    Role.DUTY_WORKER: "duty.emergency-team",
    Role.DUTY_SENIOR_MANAGER: "duty.senior-manager",
    Role.DUTY_HEAD_OF_SERVICE: "duty.head-of-service",
}
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Act:
    """Stories that begin together, when it is next `at`, on a `weekday` (Monday is 0) or on any; none is followed beyond `horizon`."""

    stories: tuple[Path, ...]
    at: time
    horizon: timedelta
    weekday: int | None = None

    def begins_after(self, moment: datetime) -> datetime:
        local = moment.astimezone(ENGLAND)
        begins = local.replace(hour=self.at.hour, minute=0, second=5, microsecond=0)
        while begins - BEFORE <= local or self.weekday not in {None, begins.weekday()}:
            begins += timedelta(days=1)
        return begins.astimezone(UTC)


@dataclass
class Play:
    """One story and what has truly been said of its child."""

    name: str
    story: Story
    number: int
    plan: Timeline
    horizon: timedelta
    child: str = ""
    people: dict[str, str] = field(default_factory=dict)
    said: list[Received[Duty]] = field(default_factory=list)
    became: defaultdict[tuple[UUID, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    given_up: str = ""
    """When it did not come to rest, and what it lacked; the others wait for it no longer."""

    @property
    def authority(self) -> str:
        return f"story-{self.number}"

    @property
    def begins(self) -> datetime:
        return self.story.begins

    @property
    def until(self) -> timedelta:
        return min(self.story.until, self.horizon)

    def phone(self, who: str) -> str:
        return f"+447700900{NUMBERS + ITS_NUMBERS * self.number + ('ann', 'ben', *DUTY_ROLES).index(who)}"

    def phone_of(self, duty: Duty) -> str:
        """A carer is told by name, or with the others: then one answers for all. Whoever is on duty is told by role."""
        named = next((who for who, person in self.people.items() if person == duty.person), None)
        return self.phone(named or ("ann" if duty.role is Role.CARERS_ALL else duty.role))

    def expected(self, until: timedelta) -> list[tuple[timedelta, str]]:
        return [(each.after, _line(each.duty)) for each in self.plan.told if each.after <= min(until, self.until)]

    def told(self) -> list[tuple[timedelta, str]]:
        """By the rules that the story is about, to those whom they tell."""
        mine = [each for each in self.said if not each.content.protocol.startswith(OF_OTHERS)]
        # Who was told by others alone until then, such as by an invitation, hears of the return as well: what follows is theirs, too.
        began: dict[tuple[Role, Channel], datetime] = {}
        for each in sorted(mine, key=lambda each: each.time):
            if not self._is_of_everyone(each.content):
                began.setdefault((each.content.role, each.content.channel), each.time)
        aside = {
            each.content.duty
            for each in mine
            if self._is_of_everyone(each.content)
            and began.get((each.content.role, each.content.channel), datetime.max.replace(tzinfo=UTC)) > each.time
        }
        mine = [each for each in mine if each.content.duty not in aside]
        roles = self._roles(mine)
        return [
            (each.time - self.begins, _line(each.content))
            for each in mine
            if (each.content.role, each.content.channel) in roles and each.time - self.begins <= self.until + LATE
        ]

    def _roles(self, said: list[Received[Duty]]) -> set[tuple[Role, Channel]]:
        return {(each.content.role, each.content.channel) for each in said if not self._is_of_everyone(each.content)}

    def _is_of_everyone(self, duty: Duty) -> bool:
        return duty.step == 0 and RULES[duty.rule].tell == Role.EVERYONE_TOLD

    def lacks(self, until: timedelta) -> list[str]:
        """What should have come about by then and has not."""
        missing = Counter(line for _, line in self.expected(until)) - Counter(line for _, line in self.told())
        return [*missing.elements(), *self._not_taken()]

    def _not_taken(self) -> Iterator[str]:
        withdrawn = {(each.content.duty, each.content.step) for each in self.said if each.content.act == "withdraw"}
        for each in self.said:
            duty = each.content
            key = (duty.duty, duty.step)
            unreachable = duty.role == Role.POLICE_CONTROL_ROOM and self.desk == DESKS["is unreachable"]
            if key not in withdrawn and not self.became[key] and not unreachable:
                yield f"{_line(duty)} is not taken"

    @property
    def desk(self) -> str:
        answers = self.story.answers.get(Role.POLICE_CONTROL_ROOM)
        if answers is None or answers.accepts is None:
            return DESKS["is unreachable"] if answers is not None else DESKS["answers"]
        return DESKS["takes" if answers.acknowledges is None else "answers"]

    def differences(self) -> list[str]:
        """Empty where exactly those were told whom the story names, each at its time or a little later."""
        wanted, came = defaultdict(list), defaultdict(list)
        for after, line in self.expected(self.until):
            wanted[line].append(after)
        for after, line in self.told():
            came[line].append(after)
        found = [] if wanted else ["the story tells nobody within its horizon"]
        for line in sorted(wanted.keys() | came.keys()):
            times = sorted(wanted[line]), sorted(came[line])
            if len(times[0]) != len(times[1]) or not all(
                was <= is_now + timedelta(seconds=2) and is_now - was <= LATE
                for was, is_now in zip(*times, strict=True)
            ):
                found.append(f"{line}: should be at {_written(times[0])}, was at {_written(times[1])}")
        return [*found, self.given_up] if found else []


RULES = Library(files()).current("default").by_id


def plays(acts: list[Act], now: datetime) -> list[Play]:
    """An act begins once the one before it has come to its horizon."""
    library = library_of_acts()
    shown: list[Play] = []
    for act in acts:
        begins = act.begins_after(now)
        for path in act.stories:
            story = _cast(path, begins)
            shown.append(Play(path.stem, story, len(shown), tell(story, library), act.horizon))
        now = begins + act.horizon
    return shown


@cache
def library_of_acts() -> Library:
    return Library([each for each in files() if each.protocol not in OF_OTHERS])


def _cast(path: Path, begins: datetime) -> Story:
    """The same story on another day, with the two carers whom `_authority` gives every child, so that each of them is told by name,
    and with a desk that answers as fast as the sandbox's.
    """
    story = read_story(path)
    days = timedelta(days=(begins.date() - story.begins.date()).days)
    carers = (name_in_story("person", "ann"), name_in_story("person", "ben"))
    child = {name: _moved(value, days) for name, value in story.child if value is not None} | {"carers": carers}
    changed: dict[str, Any] = {"begins": begins, "child": story.child.model_copy(update=child)}
    happens = [each.model_copy(update=_moved_dates(each, days)) for each in story.happens]
    desk = story.answers.get(Role.POLICE_CONTROL_ROOM, Answers())
    if desk.acknowledges is not None:
        at_once = desk.model_copy(update={"acknowledges": DESK_ANSWERS_AFTER})
        changed["answers"] = story.answers | {Role.POLICE_CONTROL_ROOM: at_once}
        happens = [
            each.model_copy(update={"at": DESK_ANSWERS_AFTER}) if each.event == "police.reference-given" else each
            for each in happens
        ]
    return story.model_copy(update=changed | {"happens": happens})


def _moved_dates(happening: Happening, days: timedelta) -> dict[str, Any]:
    return {name: _moved(value, days) for name, value in (happening.model_extra or {}).items()}


def _moved(value: Any, days: timedelta) -> Any:
    return value + days if isinstance(value, date) else value


def _line(duty: Duty) -> str:
    return f"{'-' if duty.act == 'withdraw' else ''}{duty.role} {duty.channel} {duty.wording}"


def _written(times: list[timedelta]) -> str:
    return ", ".join(str(each).split(".")[0] for each in times) or "no time"


class Theatre:
    """Plays them. Blocks nothing but the loop that it runs on."""

    def __init__(self, world: World, acts: list[Act]) -> None:
        self._world = world
        self.shown = plays(acts, self._story_now())
        self._by_child: dict[str, Play] = {}
        self._acted: set[tuple[str, int]] = set()
        self._answered: set[str] = set()
        """Acknowledgements that were said on the bus, by message."""

    async def play(self) -> None:
        self._world.desk(DESKS["takes"], acknowledges=False)
        kafka = f"127.0.0.1:{self._world.stack.ports['kafka']}"
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="latest")
        await self._producer.start()
        await consumer.start()
        listening = asyncio.create_task(self._listen(consumer))
        try:
            topics = [TopicPartition(topic, each) for topic in (Topic.DUTIES, Topic.OUTCOMES) for each in range(12)]
            consumer.assign(topics)
            await consumer.seek_to_end(*topics)
            for begins in sorted({each.begins for each in self.shown}):
                await self._run(begins, [each for each in self.shown if each.begins == begins])
        finally:
            listening.cancel()
            await consumer.stop()
            await self._producer.stop()
            self._world.desk(DESKS["takes"], mode="normal")

    async def _run(self, begins: datetime, shown: list[Play]) -> None:
        self._move_to(begins - BEFORE)
        await self._wait_for_quiet()
        await asyncio.to_thread(self._settle_authorities, shown)
        await self._wait_for_quiet()
        self._move_to(begins)
        await asyncio.sleep(FOLLOWED_WITHIN_SECONDS)
        acts = sorted(((at, play, act) for play in shown for at, act in self._acts(play)), key=lambda each: each[0])
        moments = sorted({at for at, _, _ in acts} | {at for play in shown for at, _ in play.expected(play.horizon)})
        for moment in moments:
            acting = [(play, act) for at, play, act in acts if at == moment]
            if self._move_to(begins + moment) and acting:
                await asyncio.sleep(FOLLOWED_WITHIN_SECONDS)
            for play, act in acting:
                await self._do(play, act, begins + moment)
            await self._come_to_rest(moment, shown)

    async def _wait_for_quiet(self) -> None:
        self._last_said = asyncio.get_running_loop().time()
        until = self._last_said + SETTLED_WITHIN_SECONDS
        while (now := asyncio.get_running_loop().time()) < min(until, self._last_said + QUIET_SECONDS):  # noqa: ASYNC110 other processes speak
            await asyncio.sleep(min(until, self._last_said + QUIET_SECONDS) - now)

    def _acts(self, play: Play) -> Iterator[tuple[timedelta, Happening | Key]]:
        """What people do: what the story tells, and the answers of those on duty. A desk that answers does so by itself."""
        for each in play.story.happens:
            by_itself = each.event == "police.reference-given" and play.desk == DESKS["answers"]
            if each.at <= play.until and not by_itself:
                yield each.at, each
        told = {(each.duty.duty, each.duty.step): each.duty for each in play.plan.told if each.duty.act == "tell"}
        for heard in play.plan.heard:
            if isinstance(heard.content, DutyAcknowledged) and heard.after <= play.until:
                duty = told[heard.content.duty, heard.content.step]
                asks_no_answer = duty.role.startswith("carer") and RULES[duty.rule].enough == "accepted"
                if duty.role != Role.POLICE_CONTROL_ROOM and not asks_no_answer:
                    yield heard.after, (duty.rule, duty.role, duty.step)

    async def _do(self, play: Play, act: Happening | Key, at: datetime) -> None:
        if not isinstance(act, Happening):
            self._answer(play, act)
            return
        words = TEXTED.get((act.event or "", (act.model_extra or {}).get("retracts")))
        if act.by is not None and act.time is None and words is not None:
            (reference,) = (act.model_extra or {}).get("words", [""])
            self._world.text(play.phone(act.by), words.format(number=reference[-5:]))
            return
        happened = at if act.time is None else at - act.at + act.time
        await self._publish(play, self._content(play, act), happened)

    def _content(self, play: Play, act: Happening) -> Message:
        content = act.content()
        changed: dict[str, Any] = {"authority": play.authority}
        if act.by is not None:
            changed["said_by"] = play.people[act.by]
        if "force" in type(content).model_fields:
            changed["force"] = play.desk
        return type(content).model_validate(content.model_dump() | changed)

    async def _publish(self, play: Play, content: Message, at: datetime) -> None:
        """As the first service that may say it, with that service's own key: the stack believes nothing else."""
        service = first_to_say(type(content))
        signer = signer_of(service, (self._world.stack.layout.secrets / service / "signing_key").read_text())
        raw = compose(content, said_by=service, subject=play.child, at=at, message_id=str(uuid4()))
        await self._producer.send_and_wait(content.topic, signer.sign(raw), key=play.child.encode())

    def _answer(self, play: Play, key: Key) -> None:
        """From the phone of whoever was texted, with the code that the text asked for, or on the page behind a mail."""
        for each in play.said:
            duty = each.content
            if (
                (duty.rule, duty.role, duty.step) == key
                and duty.act == "tell"
                and (str(duty.duty), duty.step) not in self._acted
            ):
                self._acted.add((str(duty.duty), duty.step))
                if duty.channel == Channel.EMAIL:
                    self._press(play, duty)
                    return
                code = identifiers.code_of(identifiers.telling(duty.duty, duty.step))
                self._world.text(play.phone_of(duty), f"OK {code}")
                return

    def _press(self, play: Play, duty: Duty) -> None:
        """On the page of this duty alone: a mail may have brought several."""
        stack = self._world.stack
        key = (stack.layout.secrets / "professionals" / "link_key").read_text()
        query = "SELECT id FROM delivery.deliveries WHERE duty = %s AND step = %s"
        with psycopg.connect(stack.admin_url) as connection:
            row = connection.execute(query, (duty.duty, duty.step)).fetchone()
        if row is None:
            play.given_up = play.given_up or f"nobody was sent {_line(duty)}, and it was to be answered"
            return
        url = Links(key, stack.endpoints["professionals"]).url(Purpose.DEED, row[0], datetime.now(UTC))
        httpx.post(url, data={"answer": "have-it"}, timeout=90, trust_env=False).raise_for_status()

    async def _come_to_rest(self, moment: timedelta, shown: list[Play]) -> None:
        """Until everything that is due has been said, taken, and answered by those who have just answered."""
        until = asyncio.get_running_loop().time() + SETTLED_WITHIN_SECONDS
        while waiting := [each for each in shown if not each.given_up and (each.lacks(moment) or self._unheard(each))]:
            if asyncio.get_running_loop().time() > until:
                for each in waiting:
                    lacks = each.lacks(moment) or ["an answer was not taken"]
                    each.given_up = f"given up at {moment}: {'; '.join(lacks)}"
                return
            await asyncio.sleep(0.2)
        while asyncio.get_running_loop().time() < until and not await asyncio.to_thread(self._answers_are_taken):  # noqa: ASYNC110 another process brings it about
            await asyncio.sleep(0.2)

    def _answers_are_taken(self) -> bool:
        """By the protocol. What becomes due before that would be told to the next person, though somebody has answered."""
        taken = "SELECT count(*) FROM protocol.inbox WHERE message_id = ANY(%s)"
        with psycopg.connect(self._world.stack.admin_url) as connection:
            return connection.execute(taken, (list(self._answered),)).fetchone() == (len(self._answered),)

    def _unheard(self, play: Play) -> bool:
        return any(
            (str(duty), step) in self._acted and "acknowledged" not in became
            for (duty, step), became in play.became.items()
        )

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            received = read((await consumer.getone()).value)
            self._last_said = asyncio.get_running_loop().time()
            play = self._by_child.get(received.subject)
            if play is None:
                continue
            if isinstance(received.content, Duty):
                play.said.append(cast("Received[Duty]", received))
            for outcome in parts_of(received.content):
                if isinstance(outcome, Outcome) and not isinstance(outcome, DutyDelivered):
                    play.became[outcome.duty, outcome.step].append(outcome.kind.split(".")[1])
                if isinstance(outcome, DutyAcknowledged):
                    self._answered.add(received.id)

    def _story_now(self) -> datetime:
        with psycopg.connect(self._world.stack.admin_url) as connection:
            row = connection.execute("SELECT now() + ahead_by FROM story.clock").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment.astimezone(UTC)

    def _move_to(self, moment: datetime) -> bool:
        """As `make forward` does, without starting a process sixty times. Never back: False where the moment is past."""
        move = "UPDATE story.clock SET ahead_by = %(to)s - now() WHERE now() + ahead_by < %(to)s"
        with psycopg.connect(self._world.stack.admin_url) as connection:
            return connection.execute(move, {"to": moment}).rowcount == 1

    def _settle_authorities(self, shown: list[Play]) -> None:
        stack = self._world.stack
        secrets = SecretFiles(stack.layout.secrets)
        forces = example_authority.organisations(secrets, stack.ports)["forces"]
        nowhere = {
            **next(each for each in forces if each["id"] == DESKS["answers"]),
            "id": DESKS["is unreachable"],
            "name": "Nowhere Police",
            "notice_url": "http://127.0.0.1:1/",
        }
        example_organisations.enter(secrets, stack.ports, {"forces": [nowhere]})
        for play in shown:
            self._register(play.authority, _authority(play))
        with psycopg.connect(self._world.stack.admin_url) as connection:
            for play in shown:
                query = "SELECT id FROM register.children WHERE authority = %s"
                (play.child,) = connection.execute(query, (play.authority,)).fetchone() or ("",)
                people = "SELECT reference, id FROM register.people WHERE authority = %s"
                play.people = dict(connection.execute(people, (play.authority,)).fetchall())
                self._by_child[play.child] = play

    def _register(self, authority: str, document: dict[str, Any]) -> None:
        stack = self._world.stack
        bearer = example_authority.import_bearer(authority, SecretFiles(stack.layout.secrets), stack.ports)
        url = f"{stack.endpoints['casework']}/register/{authority}"
        answer = httpx.put(url, json=document, headers=bearer, timeout=180, trust_env=False)
        assert answer.is_success, answer.text


def _authority(play: Play) -> dict[str, Any]:
    """Two carers of one child, what the story knows of that child, and one person in each role that the story does not leave empty."""
    held = [role for role in DUTY_ROLES if not _is_empty(play.story, role)]
    return {
        "authority": {"id": play.authority, "name": f"Storyshire {play.number}", "duty_line": "+441632960190"},
        # It agreed to nothing of which the register could hold too little: no story is about gaps.
        "sharing_agreements": [{"reference": "said", "force": play.desk, "fields": ["said"], "from": "2026-01-01"}],
        "placements": [
            {
                "reference": "home",
                "kind": "foster",
                "address": "1 Story Lane",
                "force": play.desk,
                "host_authority": play.authority,
            }
        ],
        "people": [
            {"reference": who, "name": f"Test {who}", "mobile": play.phone(who), "email": None, "language": "en"}
            for who in ("ann", "ben", *held)
        ]
        + [
            {
                "reference": "professional",
                "name": "Test P",
                "mobile": None,
                "email": "nobody@story.example",
                "language": "en",
            }
        ],
        "carers": [{"person": who, "placement": "home"} for who in ("ann", "ben")],
        "children": [
            {"reference": "child", "code": f"S{play.number + 1}", "placement": "home"} | _known(play.story.child)
        ],
        "directory": [
            {"role": role, "person": person, "order": 1, "child": None, "days": "every-day"}
            | {"from": "00:00", "to": "00:00", "bank_holidays": True}
            for role, person in (
                *((DUTY_ROLES[each], each) for each in held),
                *((each, "professional") for each in PROFESSIONALS if not _is_empty(play.story, each)),
            )
        ],
        "agencies": [],
    }


def _known(child: Facts) -> dict[str, Any]:
    said: dict[str, Any] = child.model_dump(mode="json", include=OF_THE_CHILD, exclude_none=True)
    born = None if child.adult_on is None else birthday(child.adult_on, -ADULT)
    return said if born is None else said | {"date_of_birth": born.isoformat()}


def _is_empty(story: Story, role: Role) -> bool:
    return role in story.answers and story.answers[role].reason == "nobody-in-role"
