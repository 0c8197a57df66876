"""Lists the English of questions, cries for help and thanks, as it is texted. Patterns over plain words."""

from services.carers.understanding.languages.word_lists import word_set

QUESTION = (
    r"^(?:so |and |please |hi |hello )?(?:is|are|has|have|did) (?:he|she|they|c\d+) (?:\w+ ){0,2}(?:back|home|found|returned|turned up|come|been|ok|safe|missing)\b",
    r"^(?:so |and |please |hi |hello )?(?:have|has|did) (?:the )?(?:police|cops|anyone|anybody|you|they|duty|edt) (?:\w+ )?(?:found|heard|been told|been informed|seen|located|find)\b",
    r"^(?:so |and |please |hi |hello )?(?:have|has|did) (?:the )?(?:\w+ )?(?:police|cops|anyone|anybody|you|they|duty|edt|worker|team) (?:\w+ )?(?:got|get|come|came|heard) back\b",
)

STATUS = (
    r"^status\b",
    r"\b(?:any|whats the|what is the|is there|have you|got) (?:\w+ )?(?:news|update|updates|progress|info|word)\b",
    r"\b(?:have|get|send|give) (?:me |us )?(?:an|any|the|some) (?:updates?|news)\b",
    r"^(?:please )?(?:an? )?updates?(?: me| please| us| on \w+| on)*$",
    r"\bwhat (?:is )?(?:happening|going on|is happening|is the latest|is being done)\b",
    r"\b(?:have|has|did|do|does|are|is) (?:you |the |anyone |anybody |duty |social )*(?:police|cops|worker|team|you|anyone|they|edt) (?:\w+ ){0,2}(?:told|been told|know|got|found|heard|coming|looking|doing|acknowledged|called|get|find|hear|see|come|received|have)\b",
    r"\b(?:is|are) (?:anybody|anyone|someone|somebody|police|they|officers) (?:\w+ ){0,2}(?:looking|searching|coming|dealing|going)\b",
    r"\b(?:have|has|did) (?:the )?(?:police|officers|duty|edt|anyone) (?:\w+ )?(?:answered|replied|responded|acknowledged|accepted)\b",
    r"\bwho (?:else )?(?:has|have|is|are) (?:been |being )?(?:told|informed|notified|dealing|looking|aware)\b",
    r"\bwhere are we (?:up to|at|with)\b",
    r"\bhow long (?:will|until|before)\b",
    r"\b(?:heard anything|anything yet|any joy|any luck|any sign)\b",
)

ASKS_WHERE = (
    r"\bwhere (?:is|are|does|do|has|have|did|can i find|abouts|was|were|r|s)\b(?! (?:this|here|we|i|me)\b| you(?: now| please)?$)",
    r"\bwhere (?:they|you|social services|ss|the council) (?:have |has |had )?(?:put|took|taken|moved|move|placed|sent|got|keep|keeping|hid|hiding)\b",
    r"(?:^|\bknow |find out |tell me |ask )where (?:my|our|his|her|the) (?:\w+ ){1,3}(?:live|stay|is|are|lives?|stays?|staying|living)\b",
    r"\b(?:is|are) (?:he|she|they|\w+) still (?:in|at|living|placed)\b|\bdid they move\b",
    r"\b(?:need|want|like) to know where (?:he|she|they)\b",
    r"\bwho (?:is|are) (?:he|she|they|\w+) (?:placed|living|staying) with\b",
    r"\btell me where\b(?! (?:this|here|we|i|am)\b)",
    r"\b(?:which|what) (?:\w+ )?(?:home|house|hostel|placement|town|city|carer|address|school|hotel)\b(?! (?:is this|am i|are we|is it)\b)",
    r"(?<!not )\b(?:what|whats|need|send|give|tell|know) (?:\w+ ){0,3}(?:address|postcode|location|whereabouts)\b",
)
"""Asks where a child is (S37). Somebody who asks where they are themselves is lost, and asks about nobody."""

ASKS_AFTER = (
    r"\b(?:is|are) (?:\w+ ){1,3}(?:living|staying|there|with you|at your|in your)\b(?! (?:now|again))",
    r"\b(?:do|have) you (?:have|know|got) (?!my (?:text|message|report)|the (?:text|message|report))(?:a |my |the )?(?:\w+)\b",
    r"\blooking for (?:my|a|an|someone|the|our)\b",
    r"\b(?:i am|this is) (?:his|her|their|the) (?:uncle|aunt|aunty|auntie|cousin|brother|sister|father|mother|mum|dad|friend|boyfriend|girlfriend|husband|family|lawyer|employer|boss)\b",
    r"\b(?:want|need|like) to (?:see|find|speak to|talk to|visit|contact|collect|pick up) (?:my|him|her|them|the (?:boy|girl|child))\b",
)
"""An enquiry if a stranger says it. A child's own carer or social worker says such things too, and means none."""

HELP = (
    r"^(?:help|urgent|emergency|sos|999)\b",
    r"\b(?:help me|need help|please help|help please|need some help|someone help|in danger)\b",
    r"\b(?:call|ring|phone) (?:me|us)\b",
    r"\b(?:speak|talk) (?:to|with) (?:a |an |some|the |my )?(?:\w+ )?(?:human|person|someone|somebody|worker|manager|one|duty|edt|you)\b",
    r"\breal person\b",
    r"\b(?:someone|somebody|anyone|can you|could you) (?:\w+ )?(?:call|ring|phone)\b",
)

STOP = (
    r"^(?:stop|stopall|stop all|unsubscribe|optout|opt out|quit|end|cancel)(?: please| texts?| texting(?: me)?| messages?| messaging(?: me)?)*$",
    r"\bstop (?:texting|messaging|sending|contacting)\b",
    r"\b(?:remove|take) (?:me|my number) (?:from|off)\b",
)

THANKS = word_set("""
    thanks thank thankyou ok okay k kk received noted understood roger brilliant great acknowledged ack seen perfect
    appreciated will got fine lovely
""")
AROUND_THANKS = word_set("""
    do it sure right good you god bless so much very a lot for that this letting me know your the update everything
    all again i love really cool morning night evening no problem help did done last support today tonight been kind
    of lots many x xx xxx yes yep yeah
""")
"""A text of these words and one of `THANKS` asks for nothing. A bare "yes" may answer something, so is no thanks."""
