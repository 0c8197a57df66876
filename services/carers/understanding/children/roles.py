"""Tells the part of a named child in a clause: its subject, a witness, or the owner of a thing."""

import re
from enum import Enum, auto

WITHOUT = re.compile(r"\b(?:without|except(?: for)?|apart from|bar|minus)(?: \w+ and)?$")
TOLD_OR_NEAR = re.compile(
    r"\b(?:told|asked|by|than|near|behind|after|helped|woke|thinks?|according to|(?:next|said|talking|speaking|close|sat|text|note) (?:to|with))$"
)
SAYS = re.compile(
    r"(?:has |have |had |just |also |only |now |is |was |both |and \w+ )*(?:says?|said|saying|told|tells|reckons?|thinks?|thought|heard|hears|saw|swears?|swore|claims?|claimed|knows?"
    r"|noticed|reported|mentioned|confirms?|confirmed|admitted|asks?|asked|woke (?:me|us|up)|wants to|(?:(?:has|have|did|hasnt|havent|aint|isnt|didnt) )*(?:not |never )?(?:seen|see|heard|spoken|talked|spoke|saw|tried|been trying|been texting|texted|rang|rung|phoned|called|messaged|snapchatted) (?:to |from |with )?(?:her|him|them|his|hers)\b(?! (?:self|mum|dad|friend|mate|social|phone|nan|sister|brother))|(?:is |are |so |very )*(?:worried|upset|crying|scared|looking for|searching for|asking|gone (?:to look|looking)|went (?:to look|looking))\b|(?:does|do|did)(?: not|nt)? know|d[io]\w*nt know|last saw)\b(?! (?:missing|at|in|with|leaving|going|getting|running|on)\b)"
)
PLANS = re.compile(
    r"(?:has |had |just )*(?:said|told(?: \w+){1,2}|says|promised) (?:that )?(?:(?:he|she|they)(?: was| is| will| would| were|d)|(?:hed|shed|theyd|hes|shes|theyre))\b"
    r" ?(?:not )?(?:be|going|leaving|gonna|home|back|come|popping|nipping|off|out|pop|go|in)\b|(?:said|promised|told(?: \w+){1,2}) to be\b|saw \w+ (?:and|then) (?:ran|left)"
)
OF_ANOTHER = re.compile(
    r"\b(?:he|she|hes|shes)(?: (?:says?|said|reckons?|swears?|thinks?))?(?: (?:he|she))? ?(?:has |have |did |is )?(?:not|nt|hasnt|havent|aint|never|didnt|isnt)(?: \w+)? (?:seen|heard|see|hear|spoken|found)(?: (?:from|to|of))? (?:her|him|them)\b"
)
"""The child named has not seen another."""
OF_US = re.compile(
    r"\b(?:me|i|myself|staff|we|neither|wife|husband|partner) (?:and )?\||\| (?:and|nor) (?:i|me|my \w+|staff|we|myself)\b"
)
LOOKING = re.compile(
    r"\b(?:look|looked|looking|search|searched|searching|seen|cant|can|cannot|could|find|found|heard|drove|driving|been out|tried)\b"
)
"""With `OF_US`: the child helps to look, as in "me and Yusuf have looked everywhere for Amara"."""
HEARD_FROM = re.compile(
    r"(?:had|has had|got|has got|just got|has just had|received) (?:a |an )?(?:\w+ )?(?:text|call|message|snap|dm|msg|voicemail|note|letter) (?:from|off) (?:her|him|them|[a-z]+$)\b"
)
OWNED = re.compile(
    r"(?:old |new |own |best |other |mobile |social |key |support |last )*(?:ex|football|match|game|party|training|appointment|room|bedroom|bed|wardrobe|window|door|phone|mobile|mates?|friends?|mum|dad|nan|mother|father|brother|sister|auntie|aunty|aunt|uncle|cousins?|boyfriend|girlfriend"
    r"|social worker|key ?worker|teacher|school|college|coat|jacket|hoodie|bag|bags|shoes|trainers|things|stuff|clothes|bike|birthday|pastor|imam|house|flat|placement|family|description|surname|name|photo|picture|medication|meds|tablet|laptop|charger|light|tv|desk|key|keys|card|bus|taxi|review|file|plan|passport|locker|account|profile|number)s?\b"
)


class Role(Enum):
    SUBJECT = auto()
    WITNESS = auto()
    OWNER = auto()
    WITHOUT = auto()


def find_role(words: list[str], at: int) -> Role:
    """The part of the name at index `at`."""
    before, after = " ".join(words[max(0, at - 3) : at]), " ".join(words[at + 1 : at + 7])
    if WITHOUT.search(before):
        return Role.WITHOUT
    if (
        TOLD_OR_NEAR.search(before)
        or (OF_US.search(f"{before} | {after}") and LOOKING.search(after))
        or HEARD_FROM.match(after)
        or (SAYS.match(after) and not PLANS.match(after))
    ):
        return Role.WITNESS
    if words[at].endswith("s") and OWNED.match(after):
        return Role.OWNER
    return Role.SUBJECT


def tells_of_another(words: str) -> bool:
    """Whether the child named says that it has not seen somebody else."""
    return OF_ANOTHER.search(words) is not None
