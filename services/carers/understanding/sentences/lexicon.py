"""Compiles the patterns of English and Welsh, and those for reading clauses."""

import re
from collections.abc import Iterable

from services.carers.understanding.languages import english, english_questions, english_returns, welsh, word_lists
from services.carers.understanding.meaning import Intent


def compile_any(*lists: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(pattern for each in lists for pattern in each))


def compile_each(*lists: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for each in lists for pattern in each)


IRRELEVANT = compile_any(english.IRRELEVANT)
HYPOTHETICAL = compile_any(english.HYPOTHETICAL)
QUESTION = compile_any(english_questions.QUESTION)
NO_LONGER_MISSING = compile_each(english_returns.NO_LONGER_MISSING, welsh.NO_LONGER_MISSING)
NOT_BACK = compile_any(english.NOT_BACK, welsh.NOT_BACK)
DUE = compile_any(english.DUE)
LATE = compile_any(english.LATE)
MISSING = compile_any(english.MISSING, welsh.MISSING)
LEFT = compile_any(english.LEFT)
BACK = compile_each(english_returns.BACK, welsh.BACK)
STAND_DOWN = compile_each(english_returns.STAND_DOWN)
FALSE_ALARM = compile_each(english_returns.FALSE_ALARM, welsh.FALSE_ALARM)
TAKEN_BACK = compile_each(english_returns.TAKEN_BACK)
EXPLAINED = re.compile(english_returns.EXPLAINED)
DETAIL = re.compile(english_returns.DETAIL)
AT_A_TIME = re.compile(english_returns.AT_A_TIME)
STATE = re.compile(english_returns.STATE)
LOCATED = compile_each(english_returns.LOCATED, welsh.LOCATED)
BESIDES = {
    Intent.CONTACT: compile_any(english.CONTACT, welsh.CONTACT),
    Intent.SEEN: compile_any(english.SEEN, welsh.SEEN),
}
REQUESTS = {
    Intent.STATUS: compile_any(english_questions.STATUS, welsh.STATUS),
    Intent.ENQUIRY: compile_any(english_questions.ASKS_WHERE, english_questions.ASKS_AFTER, welsh.ENQUIRY),
    Intent.HELP: compile_any(english_questions.HELP, welsh.HELP),
}
LURE = compile_any(english.LURE, welsh.LURE)
NOT_BEFORE = re.compile(r"\b(?:not|no|never|nt|without|ddim)(?: \w+){0,3} ?$")
OTHER_TIMES = re.compile(r"\b(?:last|first|that|other) times?\b(?! (?:i|we|anyone|he|she|they) (?:saw|seen|was|were))")
WITH_SOMEBODY_KNOWN = re.compile(
    r"\b(?:with|w) (?:(?:a|an|the|his|her|their|our|my|his own) )?(?:member of |two |2 )?"
    r"(?:staff|keyworker|key worker|support worker|social worker|youth worker|manager|nurse|teacher|carers?|me|us|husband|wife|partner)\b"
)
OUT_WITH = re.compile(
    r"\b(?:out|gone|went|off|away|trip|cinema|shopping|contact|dentist|doctors?|gym|bowling|swimming)\b.*\bwith\b"
)
OFFICIAL = re.compile(
    r"\b(?:police|hospital|staff|school|college|social worker|worker|ambulance|officers?|a and e|btp|security)\b"
)
NOT_GONE_MISSING = (word_lists.SPEAKER | word_lists.ADULTS | word_lists.ANIMALS) - {"me", "us"}
RETURN = re.compile(r"\b(?:back|home|found|located|returned)\b")
LOOKING = re.compile(
    r"\b(?:no luck|no joy|nothing(?! (?:to|wrong|broken|missing))|(?<!stop )(?<!need to )looking|searching|searched|looked|(?:driven|drove|driving|been|walked) (?:all )?(?:round|around|about|everywhere)|(?:house|flat|room|home) (?:was|is) (?:empty|locked|dark)|keep (?:looking|trying|ringing)|cant find)\b"
)
AT_ANOTHERS = re.compile(
    r"(?<!was )(?<!been )(?<!not )(?<!being )\bat (?:an?|his|her|their|the) (?:\w+ )?(?:friends?|mates?|boyfriends?|girlfriends?|mums?|dads?|nans?|grans?|aunt\w*|uncles?|cousins?|sisters?|brothers?|hospital|station|hotel|hostel|flat)\b"
    r"|\b(?:at home|in bed|home) with (?:an?|his|her|their) (?:\w+ )?(?:mum|dad|mother|father|nan|aunt\w*|uncle|cousins?|boyfriend|girlfriend|mates?|ex|family|parents)\b|\bat hospital\b"
)
PRESENT_THERE = re.compile(
    r"\b(?:was|were|been|is)\b.*\b(?:here|home|in|inside|upstairs|downstairs|asleep|sleeping|with|hiding|at|under|behind|next door|fine|safe|on|there)\b"
)
BACK_FROM = re.compile(r"(?:back|home|in|returned) from (?!missing|being)")
ALL_BUT = re.compile(
    r"^(?:so |and |hi )?(?:all(?: (?:of (?:them|us)|the \w+|six|five|four|three))?|every(?:one|body)|the (?:lot|rest|others))\b.*?\b(?:except(?: for)?|apart from|bar|other than|minus) (\w+(?: and \w+)?)"
)
GONE = re.compile(r"\b(?:gone|missing|out|absconded|ran|run|left|away|off|disappeared|went|awol)\b")
BUT_FOR = re.compile(r"\b(without|except(?: for)?|apart from|bar|other than) (\w+(?: and \w+)?)")
WAS_ONCE = re.compile(
    r"\b(?:was|were|had (?:been |just )?|been) ?(?:still |all )?(?:missing|gone|out|away|overdue|late)$|\bhad (?:gone|run|left|been) .*$|\bwas (?:missing|gone|out) (?:from|all|for|since|until|till)\b.*$"
)
CAME_BACK = re.compile(
    r"\b(?:back|home|returned|return|came|come|brought|bought|turned up|walked|strolled|wandered|showed|shown|rocked|got|arrived|appeared|collected|fetched|found|reached|reach|dropped|let|adref|adre|nol|ol|daeth|dod|gartref|indoors|now|finally)\b"
)
"""Without one of these words the child may never have left."""
LOSABLE = re.compile(r"(?:missing|disappeared|vanished|taken|gone)\b")
AS_EVERY_DAY = re.compile(
    r"\b(?:back|home|in|returned) from (?:school|college|work|contact|the (?:gym|shops?|doctors?|dentist|cinema|park)|football|training|respite|holiday|town|placement|gym|swimming|church|mosque)\b"
)
ANY_CHILD = re.compile(r"\b(?:an?|some|another) (?:\w+ )?(?:girl|boy|lad|child|kid|teenager|person|body|teen|lass)\b")
"""Perhaps another child than the one who is missing."""
MIGHT = re.compile(r"\b(?:might|may|could|must|probably|maybe|perhaps) (?:well )?(?:have |of |be )?")
PLAINLY_MISSING = re.compile(
    r"\b(?:missing|still|not (?:back|home|here|in|returned|come)|gone again|run|ran|absconded|again|never (?:came|got|arrived|turned))\b"
)
OTHERS_EYES = re.compile(
    rf"\b(?:{'|'.join(sorted(word_lists.KIN | {'worker', 'teacher', 'keyworker'}))})s? (?:\w+ ){{0,4}}?(?:not|never) (?:\w+ )?(?:seen|see|heard|know|knows|found|find)\b"
)
"""Somebody else has not seen the child: the speaker may know no more than that."""
ANY_MORE = re.compile(r"\b(?:no longer|any ?more|now|bellach|mwyach|rhagor)\b")
JUST_NOT = re.compile(r"\b(?:not|never) (?:actually |even |really |been )*$")
LEAVING = re.compile(r"\b(?:gone|went|left|off|out|walked|ran|legged|slipped|sneaked|snuck)\b")
WITH_THE_CHILD = re.compile(r"\b(?:with|has|got|taken|took) (?:him|her|them|c\d+)\b")
