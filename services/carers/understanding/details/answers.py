"""Finds the answers to a control room's questions in a text: clothing, where last seen, with whom.

Each answer is a whole sentence, word for word. The whole text is passed on as well, so that nothing overlooked here is
lost.
"""

import re
from dataclasses import dataclass

from services.carers.understanding.languages import plain_words
from services.safeguarding.notice_fields import ReportQuestion

SENTENCE_ENDS = re.compile(r"(?<=[!?])\s+|(?<=[^\d\s])\.\s+|\.\s+(?=[A-Z])|[\n\r;]+|\s[-\u2013\u2014]+\s")
GARMENT = (
    r"(?:hood(?:ie|y|ies)|coats?|jackets?|puffas?|puffers?|trainers|jeans|joggers|tracksuit|trackies|leggings|uniform|shirts?|t ?shirt|tops?|jumper"
    r"|dress|skirt|shorts|hat|cap|beanie|scarf|hijab|headscarf|boots|shoes|sandals|sliders|pyjamas|pjs|anorak|parka|fleece|blazer|gloves|trousers"
    r"|sweatshirt|vest|socks|cot|siaced|esgidiau|trowsus|het|crys)"
)
COLOUR = (
    r"(?:black|white|grey|gray|blue|navy|red|green|yellow|pink|purple|brown|orange|beige|cream|dark|light|school|bright|striped|camo"
    r"|du|ddu|gwyn|coch|glas|gwyrdd|melyn|llwyd)"
)
PLACE = (
    r"(?:bus (?:stop|station|shelter)|station|stop|schools?|college|park|shops?|shopping \w+|street|road|lane|avenue|close|estate|market|supermarket"
    r"|mcdonalds|kfc|library|gym|mosque|church|temple|hospital|beach|town|centre|center|cinema|arcade|bridge|canal|river|pub|flats?|contact|club"
    r"|field|pitch|train|bus|tram|car ?park|garage|corner|gate|house|home|garden|bedroom|room|airport|port|docks|lights|surgery|court|office"
    r"|aldi|lidl|asda|tesco|morrisons|sainsburys|arndale|ysgol|gorsaf|parc|siop|stryd|dref|ty)"
)
PERSON = (
    r"(?:friends?|mates?|boyfriend|girlfriend|bf|gf|lads?|boys?|girls?|man|men|woman|women|cousins?|brothers?|sisters?|uncle|aunt|auntie|guys?|blokes?"
    r"|couple|group|people|somebody|someone|ffrind(?:iau)?|bachgen|merch|dyn|dynion)"
)
BELONGING = (
    r"(?:bags?|rucksack|backpack|suitcase|case|holdall|phones?|mobile|charger|passport|papers|documents|id|money|cash|purse|wallet|card|clothes|coat"
    r"|tablet|ipad|laptop|medication|meds|medicine|inhaler|insulin|bike|toothbrush)"
)
VEHICLE = r"(?:bus|coach|train|tram|metro|tube|taxi|uber|cab|car|van|lorry|bike|bicycle|scooter|moped|ferry|minibus|bws|tren|tacsi)"

ASKED: dict[ReportQuestion, re.Pattern[str]] = {
    ReportQuestion.CLOTHING: re.compile(
        rf"\b(?:wearing|wears|wore|dressed in|had on|clothes (?:are|were|he|she)|gwisgo)\b|\b{COLOUR} (?:\w+ ){{0,2}}{GARMENT}\b|\b{GARMENT} {COLOUR}\b"
        rf"|\bin (?:a|an|his|her|their) (?:\w+ ){{0,2}}{GARMENT}\b"
    ),
    ReportQuestion.LAST_SEEN_PLACE: re.compile(
        rf"\b(?:last (?:seen|saw|known|place|spotted)|seen|saw|spotted|lost (?:him|her|them)|left|was|were|dropped|ran (?:off|away)|went missing|disappeared)\b"
        rf"(?: (?!\d)\w+){{0,5}}? (?:at|in|on|by|near|outside|from|opposite|is|around|yn|ger|wrth)(?: (?!\d)\w+){{0,3}}? {PLACE}\b"
        rf"|\b(?:left|leaving) (?:the |his |her |our )?{PLACE}\b"
    ),
    ReportQuestion.LAST_SEEN_BY: re.compile(
        r"\b(?:teachers?|tutor|coach|driver|friend|mate|staff|neighbours?|brother|sister|(?:social|key|support) worker|worker|security|manager|husband|wife"
        r"|partner|school|college) (?:\w+ ){0,3}(?:last saw|saw|seen|dropped|spotted|says? (?:she|he|they) (?:left|was|were|went|got))\b"
        r"|\b(?:i|we) (?:last saw|saw (?:him|her|them) last)\b|\blast seen by\b"
    ),
    ReportQuestion.NOTICED_MISSING: re.compile(
        r"\b(?:woke|noticed|realised|realized|went to wake|got up|just got up|checked on|went in to|found (?:the |his |her |their )?(?:bed|room|door|window))\b"
    ),
    ReportQuestion.DIRECTION: re.compile(
        r"\b(?:towards?|heading (?:for|to|up|down|into|north|south|east|west)|headed (?:for|to|up|down|into)|in the direction of"
        r"|(?<!i )(?<!we )(?:went|ran|walked|gone) (?:off )?(?:up|down|across|along|into|through|over|round) (?:the |to )?\w+"
        r"|(?:bus|train|tram|coach|taxi) (?:to|for|towards) \w+|ticket to \w+|tuag at)\b"
    ),
    ReportQuestion.TRANSPORT: re.compile(
        rf"\b(?:got|gets|get|getting|jumped|hopped|went|gone|left|took|taken|caught|picked up|drove|driven|travell?ing|goes) (?:\w+ ){{0,4}}?(?:{VEHICLE})\b"
        rf"|\b(?:by|on (?:a|the|his|her)|in (?:a|an|the)) (?:\w+ )?{VEHICLE}\b|\bon foot\b|\b(?:number ?plate|reg(?:istration)?)\b"
    ),
    ReportQuestion.COMPANIONS: re.compile(
        rf"\b(?:with|gyda) (?!me\b|us\b)(?:his |her |their |a |an |the |some |two |three |another |other |older |ei )*(?:\w+ )?{PERSON}\b"
        rf"|\b(?:alone|on (?:his|her|their) own|by (?:him|her)self|by themselves|ar ei (?:ben|phen) ei hun)\b"
        rf"|\b{PERSON} (?:\w+ ){{0,3}}(?:with (?:him|her|them)|were together|was with (?:him|her|them))\b|\bwere together\b"
    ),
    ReportQuestion.ITEMS_TAKEN: re.compile(
        rf"\b(?:taken|took|packed|pack|grabbed|carrying|has|have|had|with) (?:(?!answer|put|a\b|phoned?\b)\w+ ){{0,3}}?{BELONGING}\b(?! calls?\b)|\b{BELONGING} (?:\w+ )?(?:is|are|has|have|s)? ?(?:gone|missing|not here)\b"
    ),
    ReportQuestion.WHY_WORRIED: re.compile(
        r"\b(?:worried|worry|worries|scared|frightened|terrified|afraid|concerned|upset|crying|cried|in tears|argument|argued|a row|fell out|distressed|very low"
        r"|poeni|ofnus)\b"
    ),
    ReportQuestion.OUT_OF_CHARACTER: re.compile(
        r"\b(?:(?:in|out of|of) character|not like (?:him|her|them)|never (?:done|does|did) (?:this|it|anything)|unlike (?:him|her|them)|first time"
        r"|(?:normally|usually|always) (?:\w+ )?(?:texts?|rings?|phones?|calls?|comes?|home|back|tells?)|does it (?:a lot|all the time)|done (?:it|this) before)\b"
    ),
    ReportQuestion.DONE_SO_FAR: re.compile(
        r"\b(?:i have|we have|i|we) (?:\w+ ){0,2}?(?:looked|searched|rang|rung|called|phoned|checked|driven|drove|been (?:round|out|to|up|all)|asked|tried|messaged)\b"
        r"|\b(?:searched|checked|looked in|been round) (?:the|his|her|all|every\w*)\b"
    ),
    ReportQuestion.RISKS_NOW: re.compile(
        r"\b(?:self ?harm\w*|suicid\w+|kill (?:him|her)self|hurt (?:him|her)self|cut(?:ting)? (?:him|her)self|overdose|asthma\w*|inhaler|diabet\w+|insulin|epilep\w+"
        r"|seizures?|pregnant|allerg\w+|threaten\w*|threats?|owes? (?:\w+ )?money|traffick\w+|exploit\w+|groom\w+|older (?:man|men)|knife|drunk|drugs)\b"
    ),
}  # fmt: skip


OWN_ROUNDS = ASKED[ReportQuestion.DONE_SO_FAR]
OF_THE_CHILD = frozenset({ReportQuestion.DIRECTION, ReportQuestion.TRANSPORT})
"""Not answered by a sentence about the carer's own search."""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    question: ReportQuestion
    words: str


def find_answers(text: str) -> tuple[AnsweredQuestion, ...]:
    """One entry for each question answered, in the order of the questions, with its sentences joined."""
    sentences = [
        (each.strip(), plain_words.simplify(each)) for each in SENTENCE_ENDS.split(text) if each and each.strip()
    ]
    found = {
        question: [sentence for sentence, plain in sentences if _answers(question, pattern, plain)]
        for question, pattern in ASKED.items()
    }
    return tuple(AnsweredQuestion(question, " ".join(answers)) for question, answers in found.items() if answers)


def _answers(question: ReportQuestion, pattern: re.Pattern[str], plain: str) -> bool:
    if question in OF_THE_CHILD and OWN_ROUNDS.search(plain):
        return False
    return pattern.search(plain) is not None
