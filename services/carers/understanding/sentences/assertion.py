"""Tells whether a clause asserts something: it is not hoped, asked, planned, usual, long over or hearsay.

Patterns are over plain words. A statement that is not asserted may be news, but is no return, no false alarm and no
find.
"""

import re
from dataclasses import dataclass

NUMBER = r"(?:\d+|an?|one|two|three|four|five|six|few|couple of)"

LET_KNOW = r"(?:say|report|confirm|let you (?:all )?know|let everyone know|tell you|inform you|advise|update you)"
POLICE = r"(?:the )?(?:police|cops|social worker|duty|edt|everyone|everybody|them|all|officers?|team)"
TO_SAY = re.compile(
    rf"(?:^|\b(?:i|we) (?:am |just |have |had )*)(?:ring|ringing|rang|call|calling|called|phoning|text|texting|messaging|writing) (?:just )?to {LET_KNOW}\b"
    rf"|\b(?:just|want|wanted|would like|happy|pleased|glad|delighted|relieved|able) to {LET_KNOW}\b|^to {LET_KNOW}\b"
    rf"|\b(?:thought )?(?:i|we) (?:would|should|will|can) (?:just |now )?{LET_KNOW}\b|\bletting you (?:all )?know\b"
    rf"|\b(?:can|could|will|please) (?:you )?(?:please |just )?(?:let|tell|inform|update|ring|text) {POLICE}(?: know)?(?: that)?"
    r"|\bcan (?:now )?confirm\b|\bno need to \w+|\b(?:i|we) (?:just |have )?told (?:the )?(?:police|cops|duty|edt|you)\b"
    r"|\b(?:as|like) (?:usual|always|ever|normal|expected|(?:he|she|they) (?:always|usually) do(?:es)?)\b|\bthank you for (?:asking|calling|checking)\b"
)
"""Introduces a statement, and says nothing itself."""

EMBEDDED = (
    r"\b(?:hope|hopes|hoping|hoped|hopefully|pray|praying|prays|wish|wishing|fingers crossed|touch wood|god willing|inshallah|please god|let us)\b",
    r"\b(?:i|we|you|they|he|she|police|\w+) (?:do not |just |really |still |honestly |kind of |kinda )*(?:think|thinks|reckon|reckons|guess|suspect|suspects|assume|assumes|expect|expects|suppose|believe|believes|imagine|presume|feel like|dream|dreamt|dreamed)\b",
    r"\b(?:think|reckon|guess|suspect|assume|assumed|assuming|presume|presumably|suppose|supposedly|supposed|imagine|pretend|pretending|pretended|thought|thinking|believed|wondered|doubt|doubtful|unlikely|unsure|not sure|not certain|no idea|not clear|not convinced)\b",
    r"\b(?:nearly|almost|not quite|close to|maybe|perhaps|possibly|probably|apparently|allegedly|potentially|must have|seems|seemed|sounds like|looks like|looked like|as if|as though)\b",
    r"\b(?:if|whether|when|whenever|once|as soon as|soon as|unless|until|till|til|before|in case|incase|provided|assuming|the minute|the moment|next time|by the time|so that|otherwise|even though)\b",
    r"\b(?:want|wants|wanted|wanting|need|needs|needed|waiting|wait for|would like|would love|love it|prefer|expecting|expected|trying|try|tried|asked|asking|begged|begging|make sure|persuade|persuaded|convince|refuse|refuses|refused|refusing|promise|promises|promised|agreed|agrees|plan|plans|planning|planned|ordered|due|meant|awaiting|awaits|arranging|arranged|arrange|pending|setting off|heading|en route|on (?:his|her|their|the) way)\b",
    r"\b(?:wonder|wondering|any idea|any chance|do you know|does anyone know|can you tell|could you tell|is it true|have you heard|did you hear|let me know|tell me|tell us|ask)\b",
    r"\bhow (?:do|can) (?:we|you|i|they) (?:even )?know\b",
    r"\b(?:not|never|no|nt|nobody|no one|noone|none|hardly) (?:\w+ )?(?:think|thinks|believe|believes|reckon|know|say|says|said|see|seen|saw|true|case|convinced|certain|sure|hear|heard|mean|clear|confirmed|way|proof|sign|evidence|of us)\b",
    r"\b(?:nobody|no one|noone|none|neither|no way)\b",
    r"\b(?:gobeithio|os|pan|efallai|falle|ella|meddwl|disgwyl|gobeithiaf|mynd i|cyn|nes)\b",
)
"""Makes the words after it, in the same clause, uncertain."""

MODAL = re.compile(
    r"\b(?:will|would|should|could|might|may|must|can|shall|wont|gonna|going to|about to|able to|has to|have to|had to|got to|ought to|to|let|please|will not)"
    r" (?:not |just |now |soon |then |probably |definitely |always |still )*(?:be|come|get|return|bring|turn up|walk|make it|show up|have|find|fetch|drop|go|let|sneak|slip|climb|creep|wander|stroll|arrive|reach)\b"
)
"""Right before the verb: "will be back", "to come home", "could have come back"."""
STILL_TO_COME = re.compile(
    r"\w+ (?:later|soon|shortly|tomorrow|before long|any (?:minute|time|second|moment)|in (?:about |the next )?(?:a (?:bit|min|minute|mo|sec|second|while|few)|an hour|half an hour|(?:\d+|five|ten|fifteen|twenty|thirty|two|one) ?(?:m|mins?|minutes?|h|hours?|hrs?)?$))(?: |$)"
)
"""Right after the word: "back later", "home in ten"."""
A_SUBJECT = re.compile(r"\b(?:he|she|they|c\d+) (?:is|has|are|have|was|came|got|just|turned|walked|now)\b")

HABIT = re.compile(
    r"\b(?:always|usually|normally|often|sometimes|generally|typically|mostly|tends? to|most (?:nights|days|times|mornings|weekends)|(?:every|each) (?:\w+ )?(?:time|night|day|week|weekend|morning|evening|single)"
    r"|as a rule|in general|used to|never (?:comes|gets|returns|stays)|fel arfer|wastad|bob (?:tro|nos)|on (?:mon|tues|wednes|thurs|fri|satur|sun)days|at weekends|regularly|routinely|whenever|like clockwork|at times|occasionally|other times|when(?:ever)? (?:he|she|they) (?:feels?|likes?|wants?|is hungry|gets hungry))\b"
)
PRESENT = re.compile(
    r"\b(?:comes|gets|returns|arrives|turns up|shows up|walks|wanders|strolls|rolls|waltzes)(?! (?:here )?now)\b"
)
"""A habit, unless a word of `THIS_MOMENT` stands beside it."""
THIS_MOMENT = re.compile(r"\b(?:just|now|tonight|currently|this (?:minute|second|moment))\b")

LONG_OVER = re.compile(
    r"\b(?:(?:the )?(?:last|first|second|other|previous|one|next|following) (?:time|week|weekend|month|year|summer|winter|spring|autumn|christmas|easter|term|occasion|episode|few times|day|morning|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december)"
    r"|(?:last|first) time|that time|the time before|previously|(?:on )?(?:previous|other|earlier|past) (?:times|occasions|episodes)|in the past|^before$|historically|back then|years? back|ages ago|long ago|(?:days|weeks|months|years|nights|day|week|month|year|night|fortnight) (?:ago|before|earlier)|yesterday|before (?:christmas|easter|when|now)"
    r"|(?<!came )(?<!got )(?<!walked )in (?:january|february|march|april|may|june|july|august|september|october|november|december|(?:19|20)\d\d|the (?:summer|spring|autumn|winter|holidays))|when (?:he|she|they|it|this) (?:was (?:\d+|little|younger|small|at)|lived|stayed|happened|did (?:it|this|that)|went (?:missing|off)|ran|did)"
    r"|when (?:it|this) (?:was|happened)|has done (?:this|it|that) before|before (?:he|she|they) (?:went|left|ran|disappeared|vanished)|tro diwethaf|llynedd|ddoe|wythnos diwethaf|(?:back|home|returned|once|twice|times|done this) before(?: (?:by|when|and|but)\b|$)|at the time|by then|at first)\b"
)
AT_SOME_TIME = re.compile(
    r"\b(?:is|are|now|just|tonight|today|this (?:morning|minute|evening|afternoon)|here|(?:mins?|minutes?|hours?|hrs?) ago)\b"
)
"""About the present, even after clauses about other times."""

SAYS = r"(?:says|said|say|saying|reckons?|claims?|claimed|swears?|swore|told|tells|telling|heard|hears|hearing|rang|rung|ring|phoned|called|texted|text|messaged|messages|emailed|posted|posting|wrote|writes|confirmed|confirms|informed|reported|reports|reporting|mentioned|snapchatted|whatsapped|announced|advised|advises|insists?|thinks|believes)"
SAID = re.compile(
    rf"\b{SAYS}\b|\b(?:according to|rumou?rs?|word is|word (?:has it|on)|by all accounts|apparently|allegedly|voicemail|(?:text|call|message|email|whatsapp|dm|snap|post|note|msg) (?:\w+ )?from|on (?:facebook|insta|instagram|snap|snapchat|tiktok|whatsapp|social media)|meddai|dywedodd|dweud)\b"
)
ONLY_SAID = re.compile(
    rf"\b{SAYS}(?: (?:me|us|him|her|them|back|just|now|earlier|again|to|say|that|up|in|the|duty|office|unit|house|at|\d+|ago|mins?|minutes?|so|it|has|have|one|half|an|hour|on|phone|and|said|a|few|couple))*$|\b(?:voicemail|(?:text|call|message|email|whatsapp|msg) (?:\w+ )?from)\b.*$|\baccording to\b.*$"
)
"""Introduces the next clause: "Sue just rang, she is back"."""
HEDGED = re.compile(
    r"\b(?:(?:(?:i|we) (?:think|reckon|guess|hope|believe|suppose|heard|presume|imagine)|maybe|perhaps|probably|apparently|allegedly|supposedly|hopefully|possibly|fingers crossed)"
    r"(?! (?:that )?(?:he|she|they|her|his|it|we|i|you|the|was|at|with|in)\b)|(?:not|nt) sure|unconfirmed"
    r"|(?:so )?(?:the|his|her|their|my|our|a|an|one) (?:\w+ )?(?:says|said|say|reckons?|claims?|thinks|told me|told us|heard|tells me|swears|is saying)\b(?! (?:sorry|hello|hi|that|she|he|thanks to)\b)"
    r"|(?:police|school|staff|someone|somebody|people|they|everyone) (?:says?|said|reckons?|claims?|thinks?|told me|told us|heard)\b|according to|so says)\b"
)
"""Makes the words before it uncertain: "she is back, his mate says"."""
TOLD_BY_OTHERS = re.compile(r"\b(?:am|are|was|were|been|being|got|just)$")
BEGINS_OWN_WORDS = re.compile(
    r"(?:rang|rung|ring|phoned|called|texted|text|messaged|emailed|reported|reporting|informed|confirmed|posting)\b(?! (?:\w+ )?from\b)"
)
AFTER_OWN_WORDS = re.compile(r"\b(?:i|we)(?: (?:have|had|am|are|just|also|then|already|will))*$")

WITNESSED = re.compile(
    r"\bwith (?:me|us)\b|\b(?:in front of|next to|beside|opposite) (?:me|us)\b|\b(?:i|we) can see (?:him|her|them)\b|\b(?:here|sat|sitting|standing|stood) with\b"
    r"|\b(?:i|we) (?:have |just |ve )*(?:got|have|picked|collected|fetched|found|met|let|brought|opened)\b.*\b(?:him|her|them|both|c\d+)\b|^(?:got|picked|collected|fetched|met) (?:him|her|them)\b"
)
"""The speaker is with the child, so that hearsay does not matter."""

ASKED = re.compile(
    r"^(?:so |and |please |hi |hello |hey |sorry |but |ok |just |just wondering |wondering |any )*"
    r"(?:is|are|has|have|did|do|does|was|were|will|would|can|could|should|aint|isnt|ydy|ydi|ydyn) (?!(?:checked|rung|spoken|called|told|looked|searched|tried|been|had|seen|heard|left|put|asked|reported|informed|sent|let|phoned|texted|contacted|confirmed|notified|advised|received|read|passed|given|made|taken|just|come|got|gone|returned|now|just|back|home|safe|safely|here|finally|arrived|turned|walked|not|also|both back|in|made|text|ring|call|let|keep|do|send|message|update|be|brought|found|located)\b)"
    r"(?:(?:the|his|her|their|my|our|any|anyone|anybody|someone|somebody) )?(?:\w+ ){1,7}?"
    r"(?:back|home|here|in|returned|found|brought|bring|come|came|got|get|turned|safe|located|been|missing|asleep|hiding|false|show|shown|ol|nol|adref|gartref)\b"
    r"|(?<!worry )(?<!fear )(?<!fears )(?<!problem )(?<!concern )(?<!thing )(?<!me )(?<!us )(?<!risk )(?<!point )\b(?:is|are|has|have|did|was|were) (?:he|she|they) (?!goes\b|comes\b|gets\b|will\b|would\b|might\b|could\b|keeps\b|is\b|are\b|has\b|was\b|have\b|had\b|got\b|came\b)(?:\w+ ){0,2}(?:back|home|found|returned|here|in|located|turned|come)\b"
)
ASKS_BY_A_WORD = re.compile(
    r"^(?:so |and |but |please |hi )*(?:when|why|how|who|what time|where|which|what)(?! (?:a|an) )\b"
)
ASKS_AFTERWARDS = re.compile(
    r"\b(?:can|could|will|would|do|does|should|shall|what|who|how|when|is|are) (?:you|i|we|someone|somebody|police|the|it|they|there)\b"
)

_EMBEDDED = re.compile("|".join(EMBEDDED))


@dataclass(frozen=True, slots=True)
class Context:
    """What earlier clauses of the text imply for this one."""

    told_by_others: bool = False
    of_other_times: bool = False
    witnessed: bool = False


def is_asked(plain: str, place: int, *, mark: bool) -> bool:
    """`mark`: the clause ends with a question mark. A later question in it leaves the words at `place` a statement."""
    if asks(plain) or (mark and ASKS_BY_A_WORD.search(plain) is not None):
        return True
    return mark and ASKS_AFTERWARDS.search(plain, place) is None


def asks(plain: str) -> bool:
    """Whether its word order is that of a question, with or without a question mark."""
    return ASKED.search(TO_SAY.sub(hide, plain)) is not None


def is_asserted(plain: str, place: int, context: Context) -> bool:
    """Whether the words at `place` are asserted about the present by somebody who knows."""
    shown = TO_SAY.sub(hide, plain)
    before = shown[:place]
    if STILL_TO_COME.match(shown, place) or before.split()[-1:] == ["be"]:
        return False
    if _EMBEDDED.search(before) or _is_modal(before) or ASKS_BY_A_WORD.search(before):
        return False
    if tells_of_other_times(shown) or (PRESENT.search(before) and not THIS_MOMENT.search(shown)):
        return False
    if context.of_other_times and not AT_SOME_TIME.search(shown):
        return False
    if not context.witnessed and HEDGED.search(shown, place):
        return False
    return context.witnessed or not (context.told_by_others or tells_by_others(before))


def tells_of_other_times(plain: str) -> bool:
    return HABIT.search(plain) is not None or LONG_OVER.search(plain) is not None


def tells_by_others(plain: str) -> bool:
    """Whether it is hearsay."""
    return any(not _are_own(plain[: found.start()].rstrip(), found[0]) for found in SAID.finditer(plain))


def leads_up(plain: str) -> bool:
    """Whether it only introduces the words of somebody else, which follow."""
    shown = TO_SAY.sub(hide, plain)
    found = ONLY_SAID.search(shown)
    return found is not None and not _are_own(shown[: found.start()].rstrip(), found[0])


def is_only_a_hedge(plain: str) -> bool:
    """Whether it only says who said, or believes, the clause before it."""
    return HEDGED.match(plain) is not None


BY_ITS_CARER = re.compile(
    r"\b(?:carers?|foster mum|foster dad|keyworker|key worker)(?: (?:has|have|just|now|also|to))*$"
)


def _are_own(before: str, saying: str) -> bool:
    """Whether the speaker says it: "I rang them", or "rang them" at the start. The child's carer counts too."""
    if BY_ITS_CARER.search(before):
        return True
    if saying.startswith("hear"):
        return False
    if not before.strip(" ~"):
        return BEGINS_OWN_WORDS.match(saying) is not None
    return AFTER_OWN_WORDS.search(before) is not None and not (saying == "told" and TOLD_BY_OTHERS.search(before))


def _is_modal(before: str) -> bool:
    after = [before[each.end() :] for each in MODAL.finditer(before)][-1:]
    return any(len(between.split()) <= 4 and A_SUBJECT.search(between) is None for between in after)


def hide(match: re.Match[str]) -> str:
    return "~" * len(match[0])
