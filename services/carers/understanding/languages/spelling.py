"""Corrects misspelt key words and dialect: short words by a list, long ones by distance."""

import re
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.carers.understanding.languages.word_lists import word_set

MEANT = {
    "bk": "back", "bck": "back", "bak": "back", "bacl": "back", "abck": "back", "bakc": "back", "bac": "back", "backk": "back",
    "baack": "back", "hme": "home", "hoem": "home", "hom": "home", "gon": "gone", "gonee": "gone", "gne": "gone", "goen": "gone",
    "awol": "missing", "mia": "missing", "misn": "missing", "misin": "missing", "mssng": "missing", "msng": "missing",
    "hes": "he is", "shes": "she is", "theyre": "they are", "theyve": "they have", "ive": "i have", "weve": "we have",
    "im": "i am", "youve": "you have", "whos": "who is", "wheres": "where is", "whats": "what is", "thats": "that is",
    "isnt": "is not", "hasnt": "has not", "havent": "have not", "didnt": "did not", "wasnt": "was not", "werent": "were not",
    "doesnt": "does not", "dont": "do not", "arent": "are not", "cant": "can not", "cannot": "can not", "wont": "will not",
    "couldnt": "could not", "hadnt": "had not", "shouldve": "should have", "aint": "is not", "hasent": "has not", "didint": "did not",
    "dnt": "do not", "cnt": "can not", "isn": "is not", "nt": "not", "havnt": "have not", "hasn": "has not", "cudnt": "could not",
    "shd": "should", "shud": "should", "hd": "had", "shell": "she will", "theyll": "they will", "id": "i would",
    "gona": "gonna", "goin": "going", "comin": "coming", "havin": "having", "u": "you", "ur": "your", "r": "are", "pls": "please",
    "plz": "please", "wiv": "with", "wth": "with", "nite": "night", "2nite": "tonight", "2day": "today", "b4": "before",
    "fone": "phone", "poilce": "police", "pol": "police", "thx": "thanks", "ta": "thanks", "ty": "thanks", "cheers": "thanks",
    "runned": "ran", "runoff": "run off", "ranoff": "ran off", "ranaway": "ran away", "disapeared": "disappeared", "fnd": "found",
    "saftey": "safe", "sfae": "safe", "seeen": "seen", "sen": "seen", "saww": "saw", "spoted": "spotted", "stil": "still",
    "sitll": "still", "nott": "not", "neva": "never", "nver": "never", "wer": "where", "were is": "where is",
}  # fmt: skip

DIALECT = {
    "hame": "home", "hoose": "house", "wis": "was", "wisna": "was not", "wisnae": "was not", "wasnae": "was not", "wasna": "was not",
    "isna": "is not", "isnae": "is not", "isny": "is not", "hasna": "has not", "hasnae": "has not", "hasny": "has not", "havena": "have not",
    "havenae": "have not", "didna": "did not", "didnae": "did not", "didny": "did not", "dinna": "do not", "dinnae": "do not",
    "dunno": "do not know", "cannae": "can not", "canna": "can not", "couldnae": "could not", "couldna": "could not", "arenae": "are not",
    "wouldnae": "would not", "willnae": "will not", "winna": "will not", "werenae": "were not", "fae": "from", "frae": "from", "noo": "now",
    "oot": "out", "aboot": "about", "doon": "down", "roon": "round", "hale": "whole", "ahint": "behind", "bairn": "child", "bairns": "children",
    "wean": "child", "weans": "children", "lassie": "lass", "laddie": "lad", "ken": "know", "gonnae": "gonna", "nae": "no", "nowt": "nothing",
    "owt": "anything", "summat": "something", "naw": "no", "awa": "away", "hant": "has not", "antt": "has not", "cyaan": "can not",
    "gaan": "gone", "nuh": "not", "inna": "in", "deh": "at", "yuh": "you", "dem": "them", "dat": "that", "adra": "adre", "rtn": "returned",
    "rtnd": "returned", "rtu": "returned", "retd": "returned", "rtb": "returned", "rtp": "returned", "rth": "returned", "wher": "where", "whr": "where", "adress": "address", "addy": "address",
}  # fmt: skip

LONG = (
    "missing", "returned", "disappeared", "vanished", "absconded", "police", "status", "runaway", "spotted", "located",
    "reference", "groomed", "grooming", "trafficked", "traffickers", "exploited", "asleep", "mistake", "ignore", "false",
    "alarm", "update", "arrived", "turned", "walked", "bedroom", "window",
)  # fmt: skip
WORDS_OF_THEIR_OWN = word_set("""
    ignored ignores ignoring windows turner turn turns burned tuned walker talked worked waked balked trapped states
    statue statues misting mission missions messing mixing missal policy polite return returns retuned alarms alarmed
    falls updated updates widow arrive arrives spotless spouted sported locate locates sleep groom grooms bedrooms
    mistakes mistaken references exploit exploits vanish vanishes disappear disappears disappointed valse
""")
LETTERS_FOR_ONE_ERROR = 5
LETTERS_FOR_TWO_ERRORS = 7


def correct_word(word: str) -> str:
    return MEANT.get(word) or DIALECT.get(word) or _find_nearest(word)


@lru_cache(maxsize=4096)
def _find_nearest(word: str) -> str:
    if len(word) < LETTERS_FOR_ONE_ERROR or word in WORDS_OF_THEIR_OWN or word in LONG:
        return word
    errors = 2 if len(word) >= LETTERS_FOR_TWO_ERRORS or sorted(word) in _SORTED else 1
    found = process.extractOne(word, LONG, scorer=OSA.distance, score_cutoff=errors)
    if found is None or word[0] not in found[0][:2] or len(found[0]) < len(word) - 1:
        return word
    return str(found[0])


_SORTED = [sorted(each) for each in LONG]


DENIED = re.compile(
    r"\b(?P<before>(?!(?:and|or|with|there|so|but|is|got|still|has|have|had|been|its|it|just|hi|ok|sorry|say|said|says)\b)\w+|(?:is|are|was|were) ?) ?no (?P<verb>(?:\w+ )?(?:here|in|back)\b(?! (?:door|garden|way))|come|came|coming|return|returned|reach|reached|see|seen|know|find|pick|answer|answering|show|gone|there yet|home)\b"
)
"""As in "she is no back yet" and "omid no come home"."""
ABSENT = re.compile(r"\bno (?:dey|at) (?=house|home|here)")
FRONTED = re.compile(r"\bint (?=come|been|back|home|here|in|turned|answering)")


def translate_dialect(words: str) -> str:
    if "no" not in (each := words.split()) and "int" not in each:
        return words
    said = ABSENT.sub("is not at ", words)
    return FRONTED.sub("has not ", DENIED.sub(r"\g<before> not \g<verb>", said)).replace("  ", " ")
