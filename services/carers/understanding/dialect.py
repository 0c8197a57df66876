"""English as it is spoken: in Scotland and the North, in Jamaica and Lagos. Made plain before it is read."""

import re

MEANT = {
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
DENIED = re.compile(
    r"\b(?P<before>(?!(?:and|or|with|there|so|but|is|got|still|has|have|had|been|its|it|just|hi|ok|sorry|say|said|says)\b)\w+|(?:is|are|was|were) ?) ?no (?P<verb>(?:\w+ )?(?:here|in|back)\b(?! (?:door|garden|way))|come|came|coming|return|returned|reach|reached|see|seen|know|find|pick|answer|answering|show|gone|there yet|home)\b"
)
"""As in "she is no back yet" and "omid no come home"."""
ABSENT = re.compile(r"\bno (?:dey|at) (?=house|home|here)")
FRONTED = re.compile(r"\bint (?=come|been|back|home|here|in|turned|answering)")


def plain(words: str) -> str:
    if "no" not in (each := words.split()) and "int" not in each:
        return words
    said = ABSENT.sub("is not at ", words)
    return FRONTED.sub("has not ", DENIED.sub(r"\g<before> not \g<verb>", said)).replace("  ", " ")
