"""Of whom or what something is said: of the child, of somebody or something that is no child of the speaker's, or of a name.

The lists of people and things are closed. Whatever is in none of them is the child, for that is whom these texts are about.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

CHILD = frozenset(
    """he she they him her them both all everyone everybody himself herself themselves child children kid kids boy boys girl girls
    lad lads lass yp yps resident residents youngster youngsters teen teenager one twins little person hi o fe fo nhw e plentyn bachgen
    merch""".split()
)
SPEAKER = frozenset("i we me us myself ourselves you yourself dw dwi fi ni".split())
ADULTS = frozenset(
    """police cops cop copper officer officers pc sergeant sgt detective constable feds ambulance paramedic paramedics worker workers
    keyworker sw staff team duty edt manager managers nurse doctor gp teacher teachers tutor coach escort solicitor lawyer guardian
    interpreter iro advocate supervisor warden security guard husband wife partner hubby fella carer carers lodger heddlu gwr gwraig
    searchers volunteers everybodys""".split()
)
"""Whoever of these has left has not gone missing."""
ANIMALS = frozenset("dog dogs cat cats puppy pup rabbit hamster horse ci cath".split())
KIN = frozenset(
    """brother brothers sister sisters sibling siblings mum mam mom mother mums dad father nan nana gran grandma grandad granddad uncle
    aunt auntie aunty cousin cousins boyfriend girlfriend bf gf ex mate mates friend friends bestie daughter daughters son sons
    neighbour neighbours neighbor man men woman women bloke blokes guy guys stranger people visitor visitors family parents parent
    baby toddler grandson granddaughter nephew niece stepson someone somebody anyone anybody landlord priest imam classmate driver
    drivers brawd chwaer mam tad ffrind flatmate roommate housemate pal pals group others stepdad stepmum""".split()
)
VEHICLES = frozenset("taxi uber cab bus minibus train tram lift coach van car lorry bike scooter moped tacsi bws".split())
THINGS = frozenset(
    """it its this phone phones mobile iphone coat jacket hoodie clothes shoes shoe trainers bag bags rucksack suitcase keys key charger
    wallet purse passport card money laptop tablet ipad light lights power electric electricity internet wifi signal battery tracker
    snapchat snap instagram insta facebook whatsapp tiktok account location gps post letter parcel photo picture news result results
    weather rain pain cold window door heating water boiler tv medication meds inhaler glasses blanket everything things stuff life
    school college football hat scarf watch uniform jumper hearing order body line helicopter drone what something nothing else other rest ffon post
    note report case bed drawer cash debit bank ref number system app site network""".split()
)
OTHERS = SPEAKER | ADULTS | ANIMALS | KIN | VEHICLES | THINGS

WITHIN_A_VERB = frozenset(
    """is are am was were has have had been being be just now got get gets getting came come comes coming walked walks strolled strolls
    wandered rolled rocked turned showed shown arrived returned appeared reappeared landed made sneaked snuck crept let brought bringing
    dropped driven drove escorted delivered taken took carried given handed fetched collected picked found safely finally actually
    definitely already still again also only really all both at last this minute second on their his own of up in through back home
    safe well then today tonight straight here sent put gone went ran run popped nipped legged stumbled staggered left not never ever yet
    accounted slipped bought returning burst waltzed mae wedi dod cyrraedd yn nol maen mor even literally officially off out gotten do
    does did now eventually sat stood asleep fine ok okay""".split()
)
"""Passed over on the way from what is said back to whom it is said of."""
NO_NAMES = frozenset(
    """and so yes yeah yep ok okay hi hiya hello hey great good thank thanks thankyou god phew sorry update panic over that who which the a
    an but because cos as with to from by at in on for is confirmed confirming confirm fyi hurrah yay oh omg god goodness please ps
    brilliant lovely amazing morning evening afternoon night hooray wow wonderful relief relieved happy alive quick latest further
    correction now finally safe unharmed uninjured since about around approx id know say saying told tell see sign signs status alarm no
    later ago minutes mins hours hour min then there think thought hope hopefully maybe looking look search missing mistake love x xx xxx
    am pm till until when if while once after before like cheers ive think wrong down it itself half past quarter one two three four five
    six seven eight nine ten eleven twelve midnight minute everyone ahead quite very so any more much bless thats right time wet cold
    tired upset drunk hungry muddy hurt crying soaked ages long way done false lol haha ah aha well cant cannot being going found false
    need no looking calm worry worries alert ended end police whoop result sorted""".split()
)
PREPOSITIONS = frozenset(
    """to from with by at in on for near behind into after through without about via outside inside past off beside like than as towards
    round per gan gyda ir""".split()
)
BESIDE_A_NOUN = frozenset("the a an his her their my our your some another other this that same front back main next old own".split())
BOARDED = frozenset("got get took take caught catch had ordered grabbed using used getting taking".split())
BRINGING = frozenset("brought bringing dropped returned delivered fetched escorted driven bought collected".split())
PASSIVE = frozenset("was were been being is are got has".split())


class Kind(Enum):
    CHILD = auto()
    OTHER = auto()
    NAME = auto()
    """A word that may be the child's name, or anybody's: whoever knows the names says which."""
    NONE = auto()
    """Left out, as in "back now"."""


@dataclass(frozen=True, slots=True)
class Subject:
    kind: Kind
    word: str = ""


NOBODY = Subject(Kind.NONE)
A_CODE = re.compile(r"c\d+|\d{1,4}")


def subject(plain: str, place: int) -> Subject:
    """Of what is said in `plain` from `place` on."""
    words = plain[:place].split()
    verb: list[str] = []
    while words and words[-1] in WITHIN_A_VERB:
        verb.insert(0, words.pop())
    following = plain[place:].split()[1:4]
    if _brings_what_follows(verb, following):
        return Subject(Kind.OTHER if OTHERS.intersection(following) else Kind.CHILD)
    return _nearest(words, adjacent=True)


def last_mentioned(plain: str, place: int) -> Subject:
    """The person or thing named last before `place`, wherever the verb stands. Names are not recognised."""
    return _nearest(plain[:place].split(), adjacent=False)


def _brings_what_follows(verb: list[str], following: list[str]) -> bool:
    """ "Police brought back her phone": what is back stands behind the word."""
    if not verb or verb[-1] not in BRINGING:
        return False
    if verb[-1] == "returned" or following[:1] == ["by"]:
        return False
    return not PASSIVE.intersection(verb[-3:-1])


def _nearest(words: list[str], adjacent: bool) -> Subject:
    """`adjacent`: the last word stands right before the verb, where a word of no list may be a name."""
    while words:
        word = words[-1]
        if (before := _before_the_phrase(words)) is not None:
            words, adjacent = before, False
            continue
        if word in CHILD or A_CODE.fullmatch(word):
            described = "other" if words[-2:-1] == ["other"] else _described_by(words)
            return Subject(Kind.OTHER, described) if described else Subject(Kind.CHILD, word)
        if _is_another(word):
            return _joined(words) or Subject(Kind.OTHER, word)
        if adjacent and _may_be_a_name(words):
            return Subject(Kind.NAME, word)
        words, adjacent = words[:-1], False
    return NOBODY


def _described_by(words: list[str]) -> str:
    """ "The coat she had on is back": what the clause about the child describes."""
    before = [word for word in words[-4:-1] if word not in {"that", "which", "who", "whom"}]
    if words[-1] not in {"he", "she", "they"} or len(before) < 2 or before[-1] not in OTHERS:
        return ""
    return before[-1] if before[-2] in BESIDE_A_NOUN else ""


def _is_another(word: str) -> bool:
    """Written without its apostrophe too: "hubbys back"."""
    return word in OTHERS or (len(word) > 3 and word.endswith("s") and word[:-1] in OTHERS)


def _may_be_a_name(words: list[str]) -> bool:
    if words[-1] in NO_NAMES or words[-1] in PREPOSITIONS or words[-1].isdigit():
        return False
    return not any(word in CHILD and word not in BESIDE_A_NOUN for word in words[:-1])


def _before_the_phrase(words: list[str]) -> list[str] | None:
    """What stands before "from the park" or "in a taxi" or "got the bus", where the last word belongs to such a phrase."""
    if words[-1] in CHILD and words[-1] not in {"her", "him", "them"}:
        return None
    place = len(words) - 2
    while place >= 0 and len(words) - place < 5:
        word = words[place]
        if word in PREPOSITIONS:
            return words[:place]
        if words[-1] in VEHICLES and word in BOARDED:
            return words[:place]
        if word == "thank" and words[-1] in SPEAKER:
            return words[:place]
        if word == "made" and words[-1] == "it":
            return words[:place]
        if word not in BESIDE_A_NOUN:
            return None
        place -= 1
    return None


def _joined(words: list[str]) -> Subject | None:
    """ "Amara and I", "she and her brother": the child is one of them."""
    beginning = words[:-1]
    while beginning and beginning[-1] in BESIDE_A_NOUN:
        beginning = beginning[:-1]
    if len(beginning) < 2 or beginning[-1] not in {"and", "n", "plus"}:
        return None
    other = beginning[-2]
    if _before_the_phrase(beginning[:-1]) is not None:
        return None
    if other in CHILD:
        return Subject(Kind.CHILD, other)
    if other in OTHERS or other in NO_NAMES or other in WITHIN_A_VERB:
        return None
    return Subject(Kind.NAME, other)
