"""Sentences that carers might text of a return that is none, and of one that is: templates x subjects x verbs x what surrounds them."""

from collections.abc import Iterator
from itertools import chain, product

SHE = ("she", "he", "they", "C17", "my foster daughter")
IS_BACK = (
    "is back", "is home", "is back home", "is home safe", "is back safe and well", "is here", "is back now", "is in bed", "is safe at home",
    "has come back", "has come home", "has returned", "has just walked in", "has turned up", "has been brought home", "has got back safely",
    "came back at 3", "came home", "returned at 10pm", "walked in at two", "turned up at the door", "got home half an hour ago", "made it home",
    "was brought back by police", "was dropped home", "came in through the back door",
)  # fmt: skip
WAS_NEVER_GONE = (
    "was never missing", "was asleep in the shed all along", "was in her room the whole time", "was hiding in the wardrobe",
    "never left the house", "was upstairs all along", "is no longer missing", "is not missing",
)  # fmt: skip
OTHERS = (
    "the dog", "her dog", "our cat", "my husband", "my wife", "the social worker", "her keyworker", "a police officer", "the police car", "her brother",
    "his mate", "my sister", "her boyfriend", "the taxi", "the minibus", "her mum", "my other lad", "his phone", "her bag", "the coat she had on", "his bike",
    "the neighbour", "someone else", "my partner", "the search dog", "a man", "her friend Leyla", "the night worker", "her uncle", "i", "my mum", "the signal",
)  # fmt: skip
DOUBTS = (
    "i hope {}", "hoping {}", "praying that {}", "fingers crossed {}", "wish i knew that {}", "i think {}", "i reckon {}", "maybe {}", "perhaps {}", "probably {}", "lets hope {}",
    "apparently {}", "not sure if {}", "i wonder if {}", "it looks like {}", "it sounds like {}", "i thought {}", "i assumed {}", "im not sure that {}", "we are praying {}",
    "i dreamt that {}", "i imagine {}", "i suspect {}", "she must think {}", "i would love it if {}", "{} i think", "{}, i hope", "{} hopefully", "{} apparently", "{} maybe",
)  # fmt: skip
CONDITIONS = (
    "if {} i will text you", "when {} i will ring", "as soon as {} ill text BACK", "once {} ill let you know", "unless {} keep looking", "until {} please keep looking",
    "ring me if {}", "let me know when {}", "call police off once {}", "in case {} the door is open", "dont stop till {}", "what do i do when {}",
    "text me the minute {}", "whether {} or not we need a plan",
)  # fmt: skip
QUESTIONS = (
    "do you know if {}", "can you tell me if {}", "have you heard whether {}", "is it true that {}", "any idea if {}", "did someone say {}?", "{}?", "do police think {}",
    "has anyone told you {}?", "does anyone know if {}", "how do we know {}",
)  # fmt: skip
HEARSAY = (
    "his mate says {}", "her friend told me {}", "someone said {}", "the school reckon {}", "police say {}", "the police just rang, {}", "my sister heard {}", "her mum texted to say {}",
    "facebook says {}", "rumour is {}", "according to her cousin {}", "Sue just rang, {}", "Karen from the unit phoned: {}", "i heard {}", "i was told {}", "got a text saying {}",
    "a boy at school is saying {}", "he texted me that {}", "{} her mate says", "{}, according to his brother", "her boyfriend swears {}", "word is {}",
    "someone on snapchat posted that {}", "the neighbour claims {}", "im told {}",
)  # fmt: skip
DENIALS = (
    "i dont think {}", "i dont believe {}", "it is not true that {}", "theres no sign that {}", "no way {}", "nobody says {}", "police dont think {}", "there is no proof that {}",
    "i doubt {}", "it isnt the case that {}", "i never said {}", "we cant say {}",
)  # fmt: skip
HABITS = (
    "she always comes back by ten", "he usually comes home when hungry", "normally {} by now", "she tends to come back in the morning", "every time she goes she is back by morning",
    "most nights {}", "usually {}", "he comes home when he feels like it", "she comes back for her tea", "generally {}", "on fridays {}", "every weekend {}", "each time {}",
)  # fmt: skip
LONG_OVER = (
    "last time {}", "last week {}", "in August {}", "the time before {}", "when she did this before {}", "last month {}", "the last time she ran off {}", "two weeks ago {}", "yesterday {}",
    "last year {}", "{} last time", "{} the other week", "the first time {}", "in the past {}", "on previous occasions {}",
)  # fmt: skip
PAST = tuple(each for each in IS_BACK if each.split()[0] not in {"is", "has"})
NOT_BACK = (
    "{} is not back", "{} isnt home", "{} hasnt come back", "{} has not returned", "{} didnt come home", "{} never came back",
    "{} is still not back", "{} wasnt brought home", "{} has not been brought back", "{} will not come home", "{} wont come back",
    "{} refuses to come home", "{} should be back by now", "{} will be back soon", "{} might come home tonight",
    "{} is coming home tomorrow", "{} could be home by now", "{} ought to be home", "{} is supposed to be back", "{} is going to come home",
    "{} wants to come home", "{} promised to be back", "{} said to be back at nine", "{} has to come home",
)  # fmt: skip
NOBODY_BRINGS = (
    "nobody has brought {} back", "no one has seen {} come home", "none of us saw {} come in",
    "neither police nor staff have brought {} back", "we want {} home", "we need {} back", "please bring {} home",
    "please get {} back here", "waiting for {} to come home", "police are trying to bring {} home", "police will bring {} back",
    "make sure {} gets home",
)  # fmt: skip
AROUND = (
    "{}", "hi {}", "{} please help", "{} thanks", "so {}", "{} so worried", "ok {}", "just to say {}", "phone still off. {}", "{}. still looking", "{} x", "been out looking, {}", "{} and her phone is off",
    "sorry to bother you but {}", "{}, nothing else to tell",
)  # fmt: skip


def still_missing() -> Iterator[str]:
    """None of these says that the child is back, or was never gone."""
    said = [f"{who} {what}" for who, what in product(SHE, (*IS_BACK, *WAS_NEVER_GONE))]
    past = [f"{who} {what}" for who, what in product(SHE, PAST)]
    bare = chain(
        (f"{who} {what}" for who, what in product(OTHERS, (*IS_BACK, *WAS_NEVER_GONE))),
        (frame.format(each) for frame, each in product((*DOUBTS, *CONDITIONS, *QUESTIONS, *HEARSAY, *DENIALS), said)),
        (frame.format(each) for frame, each in product((*HABITS, *LONG_OVER), past)),
        (frame.format(who) for frame, who in product(NOT_BACK, SHE)),
        (frame.format(who) for frame, who in product(NOBODY_BRINGS, ("him", "her", "them", "C17"))),
    )
    return (around.format(each) for each, around in product(bare, AROUND))


def returns() -> Iterator[str]:
    """Each of these says that the child is back."""
    said = (f"{who} {what}" for who, what in product(SHE[:4], IS_BACK))
    return (around.format(each) for each, around in product(said, AROUND))
