"""Golden stories: who is told what by when, and that nobody is told anything else."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.protocol.loader import Library, files, read_rules
from services.protocol.policy.case import OPEN_STATES
from services.protocol.policy.draft import Happened
from services.protocol.simulate import Story, Timeline, _World, read_story, tell
from services.safeguarding.duty.duties import Duty, DutyAcknowledged
from services.safeguarding.roles import ON_DUTY, Channel, Role

STORIES = sorted(Path(__file__).parent.glob("*.yaml"))
WIDE = sorted((Path(__file__).parent / "everyone").glob("*.yaml"))
"""Stories of all rules together: professionals by mail and strategy discussions as well."""
OF_OTHERS = {"professionals", "strategy-discussion", "photographs-and-contacts", "long-and-repeated-absence"}
"""Rules that the other stories leave aside: each would have a dozen more lines, the same in all."""


@pytest.fixture(scope="module")
def library() -> Library:
    return Library([each for each in files() if each.protocol not in OF_OTHERS])


ON_WORD = sorted((Path(__file__).parent / "on-word").glob("*.yaml"))
"""Stories of an authority that takes the carer's word for proof."""
ITS_RULES = """
protocol: own
version: 2026.1
authority: northshire
stand-down: { by-text: word }
approved: { by: The head of service, reasons: "No handset takes texts at the homes" }
rules: []
"""


@pytest.fixture
def on_word(tmp_path: Path, library: Library) -> Library:
    own = tmp_path / "own.yaml"
    own.write_text(ITS_RULES)
    return Library([*library.read_files, read_rules(own)])


@pytest.fixture(scope="module")
def whole() -> Library:
    return Library(files())


@pytest.mark.parametrize("path", WIDE, ids=lambda path: path.stem)
def test_professionals_and_invited_agencies_are_told_as_the_story_says(path: Path, whole: Library) -> None:
    _holds(path, whole)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_exactly_those_are_told_whom_the_story_names_at_its_times(path: Path, library: Library) -> None:
    _holds(path, library)


@pytest.mark.parametrize("path", ON_WORD, ids=lambda path: path.stem)
def test_where_an_authority_takes_a_carer_s_word_that_ends_a_search(
    path: Path, on_word: Library, library: Library
) -> None:
    _holds(path, on_word)
    assert tell(read_story(path), library).ends()["episode"] == "missing"


def _holds(path: Path, library: Library) -> None:
    story = read_story(path)
    timeline = tell(story, library)
    assert [str(each) for each in timeline.told] == story.told
    assert {name: timeline.ends().get(name) for name in story.ends} == story.ends


def test_an_exercise_never_shares_an_episode_or_a_mark_with_a_real_report(library: Library) -> None:
    timeline = tell(read_story(Path(__file__).parent / "exercise.yaml"), library)
    by_episode: dict[object, set[bool]] = {}
    for each in timeline.told:
        by_episode.setdefault(each.duty.episode, set()).add(each.exercise)
    assert sorted(map(list, by_episode.values())) == [[False], [True]]


def test_the_same_story_told_twice_gives_the_same_decisions_to_the_last_id(library: Library) -> None:
    for path in STORIES:
        story = read_story(path)
        first, second = tell(story, library), tell(story, library)
        assert first.case == second.case
        assert first.decided == second.decided


def test_every_decision_to_tell_somebody_cites_a_paragraph_or_a_source(library: Library) -> None:
    for path in STORIES:
        for _, decided in tell(read_story(path), library).decided:
            assert decided.rule is None or decided.cites


class ForgedWorld(_World):
    """A minute after each text to somebody on duty about a child who is searched for, OK comes from a forged number."""

    forged: int = 0

    def _answer(self, duty: Duty, now: datetime) -> None:
        super()._answer(duty, now)
        if duty.act == "tell" and duty.channel is Channel.TEXT and duty.role in ON_DUTY:
            about = {"duty": duty.duty, "step": duty.step, "authority": duty.authority, "episode": duty.episode}
            self._later(now + timedelta(minutes=1), DutyAcknowledged(**about, how="text", claimed=True))

    def _answered(self, content: Any, now: datetime, order: int) -> Happened | None:
        if getattr(content, "claimed", False):
            if not any(each.state in OPEN_STATES for each in self._timeline.case.episodes.values()):
                return None  # once the child is back, any OK is enough
            self.forged += 1
        return super()._answered(content, now, order)


def first_told(timeline: Timeline) -> list[tuple[timedelta, str, Role]]:
    """When each first hears of each duty. Whoever's OK was forged is asked again, which is one telling more."""
    found: dict[tuple[UUID, Role], tuple[timedelta, str, Role]] = {}
    for each in timeline.told:
        if each.duty.act == "tell":
            about = (each.after, each.duty.rule, each.duty.role)
            found.setdefault((each.duty.duty, each.duty.role), about)
    return sorted(found.values())


def is_searched_for(story: Story, library: Library) -> bool:
    """To its end: a story of one child who is missing or located."""
    episodes = tell(story, library).case.episodes.values()
    return len(episodes) == 1 and all(each.state in OPEN_STATES and not each.exercise for each in episodes)


def test_a_forged_ok_changes_no_minute_at_which_the_next_person_hears_and_ends_nothing(library: Library) -> None:
    """Of every story of a child who is searched for: of police's duties, claims, deeds and the search itself."""
    tried = 0
    for path in STORIES:
        story = read_story(path)
        if not is_searched_for(story, library):
            continue
        true, world = tell(story, library), ForgedWorld(story, library)
        forged = world.run()
        assert first_told(forged) == first_told(true), path.stem
        assert forged.ends() == true.ends(), path.stem
        tried += world.forged
    assert tried > 200
