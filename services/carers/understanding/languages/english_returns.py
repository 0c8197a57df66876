"""Lists the English of returns, finds and false alarms, as it is texted. Patterns over plain words.

The group `at` marks the statement. Its subject stands before it (`subjects.py`).
"""

from services.carers.understanding.languages.english import BELONGING
from services.carers.understanding.languages.word_lists import word_set

HOURS = r"a quarter|noon|ten|twenty|five past|past|gone|\d+(?:am|pm)?|half|quarter|about|around|approx|approximately|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|midnight|just|last|roughly|gone"
ROOM = r"(?:bed|bedroom|room|kitchen|lounge|living room|front room|sitting room|bath|bathroom|shower|hall|hallway|conservatory|garden|loft|attic|shed|garage|dining room|utility room|porch|toilet|loo)"
HOUSE = r"(?:house|home|unit|placement|residence|building|property|premises|flat|hostel|base|site|annexe?|address|foster home|childrens home|doorstep|door|front door|step|place)"
OURS = rf"(?:(?:the|our|his|her|their|my|this) )?(?:own )?(?:{ROOM}|{HOUSE})|ours|mine|us|me|staff|his carers?|her carers?|care|one piece|safe|safety"
FURTHER = rf"(?:(?:at|in|with|to|on|for|into|onto|from|by) (?:{OURS}|{HOURS}|time|(?:the|our|my) (?:front )?door|tears|a state|good|now|tonight|the night|being|(?:(?:a|the|his|her) )?(?:\w+ )?(?:bus|train|tram|taxi|lift|coach|uber)|police|being missing|missing|(?:his|her|their) own|foot|time)\b|of (?:his|her|their) own|in(?:$| (?:now|safe|gone|and|asleep)\b))"
AWAY = rf"(?! (?!{FURTHER})(?:at|in|with|to|on|for|into|onto|off|up|out|over|of|pain|ache|outside|near|round|number|office|address|time|alone|visits?|country|town|team)\b)"
"""Not followed by where else: "back at school", "back on Instagram", "home in Albania"."""
HERE = rf"(?:back|home)\b{AWAY}"
ADVERB = (
    r"(?:now|just|both|all|finally|safely|safe|already|actually|definitely|only|also|fast|sound|well|currently|still)"
)
ARRIVED = r"(?:walked|came|strolled|wandered|rolled|crept|snuck|sneaked|stumbled|staggered|waltzed|burst|got|let (?:him|her|them)sel(?:f|ves)|barged|sauntered|crawled|climbed|arrived|run|ran|(?:is|are|now)(?= through)|(?:has|have|just|is|are|he|she|they|now|only) (?:just )?come)"
BROUGHT = r"(?:brought|bought|dropped|delivered|escorted|driven|drove|taken|took|got|found|fetched|picked|collected|have|returned|walked|carried)"
BETWEEN = r"(?:(?!and\b|so\b|to\b|coming\b|going\b|getting\b|bringing\b|taking\b|carrying\b|sending\b|awaiting\b|arranging\b|waiting\b|transport\b|allowed\b|told\b|heading\b|walking\b|driving\b|making\b|being\b|nearly\b|almost\b|travelling\b|if\b|when\b|way\b|not\b|then\b|her way\b)\w+ )"

BACK = (
    rf"\b(?:all|everyone|everybody|is|are|am|now|has|have|just|got|came|walked|arrived|turned up|brought|been|rolled|strolled|wandered|made it|made (?:his|her|their) way|dropped|driven|crept|crawled|staggered|stumbled|escorted|delivered|ran|fetched|picked|(?:he|she|they) come) {BETWEEN}{{0,3}}?(?P<at>{HERE})",
    r"\b(?:came|(?:has|have|is|just) come|got|walked|arrived) (?:\w+ )?(?P<at>back(?= with (?:his|her|their|an?|some|two|no)\b)|home(?= with (?:his|her|their)\b))",
    rf"\b(?P<at>arrived|appeared)(?=$| (?:now|safe|safely|here|at (?:{OURS}|\d+))\b)",
    rf"^(?:\w+ ){{0,4}}?(?P<at>back\b{AWAY})(?=(?: \w+){{0,3}}$|(?: \w*\d\w*)+$)",
    r"\b(?P<at>reach(?:ed)? (?:back |the )?(?:home|house|here))\b",
    r"\b(?:all(?: \w+)?|everyone|everybody|both|he|she|they|c?\d{1,4}|twins|the rest|the others|and \w+|(?!was\b|has\b|is\b|his\b|this\b|yes\b|its\b|as\b|us\b|ours\b)\w{2,}s) (?:is |are )?(?P<at>in)(?=$| (?:now|safe|bed|bar|except|apart)\b)",
    r"\b(?:that|and|but|so|then|say|confirm) \w+ (?P<at>returned)\b(?=$| (?:to (?:us|me|placement|the (?:unit|house|home|placement)|our)|home|safe|at|by|on|this|tonight|about|around|just)\b)",
    rf"^(?:\w+ ){{0,3}}?(?P<at>back (?:home|safe|here|now|with (?:me|us)|in (?:{OURS}|$)|at (?:{OURS}|\d+)|on (?:unit|site)|to (?:{OURS})|since|thank|already|again|finally|indoors|inside))",
    r"^(?P<at>safe|home|found safe|returned|home now|home safe|safe now|here|here now|safely home|indoors|found safe and well)(?: and \w+| now| thanks| again| at last| thank god)*$",
    rf"^(?:\w+ ){{0,2}}(?P<at>home\b{AWAY})(?=(?: x+| ok| safe| now| thanks| love| bless| at last| again| and \w+| thank god| at \d+(?:am|pm)?| \d+(?:am|pm)?| all (?:ok|good|well)| with (?:me|us)| in bed)*$)",
    r"\b(?:has|have|just|is|are|safely|now|finally|he|she|they|c\d+) (?:\w+ )?(?P<at>returned)\b(?! (?:my|our|your|the|a|to (?:school|college|work|town|the (?:area|shop|park|city|scene)))\b)",
    rf"^(?:\w+ ){{0,2}}(?P<at>returned)\b(?! (?:my|our|your|the|a|to (?!{OURS}))\b)(?! (?:his|her|their) (?!safe|home|back|here|to|at|by|now)\w)",
    rf"\b(?P<at>turned up|showed up|shown up|rocked up|pitched up|shown (?:his|her|their) face|reappeared|resurfaced)\b{AWAY}",
    rf"\b{ARRIVED} (?:back |straight )?(?P<at>in|inside|indoors|through (?:the|my|our) (?:\w+ )?door)\b(?! (?:contact|touch|an?|trouble|bother|with(?! (?:his|her|their) key)|to|his|her|their|from|some|my|our|the (?!door|house|unit|home|back door|front door|early hours|night))\b)",
    rf"\b(?:is|are|now|safe|sat|stood) (?:{ADVERB} )*(?P<at>here\b{AWAY}|(?:in|inside|indoors|upstairs|downstairs)(?= (?:now|safe|again|with (?:me|us|staff)|in (?:bed|the)|at (?:home|{HOUSE})|and|since|asleep|eating|having|crying|fine|ok|thank|safely|all|both|soaking|sat|talking|watching|next|so|bed)\b|$))",
    rf"\b(?:is|are|now|safe|asleep|sat|safely) (?:{ADVERB} |back |here |sat |sitting |laid |tucked up |curled up )*(?:asleep )?(?P<at>(?:in (?:(?:the|our|his|her|their|my|here) )?(?:own )?(?:{ROOM}|house|home|unit|building|placement)|on (?:the|our|my) (?:sofa|settee|couch|doorstep|step|landing)|at (?:home|placement|(?:the|our|my) (?:front )?(?:door|house|unit|placement))|with (?:me|us))\b)(?! next door)",
    r"\b(?:is|are) (?:fast |sound |now |safely |both )*(?P<at>asleep|sleeping|tucked up)\b(?! (?:at|in|on) (?!(?:his|her|their|the|our) (?:own )?(?:bed|room|bedroom|sofa|settee|couch|lounge|house)|bed|here|me))",
    rf"\b(?P<at>safe (?:and (?:sound|well|here|home|now|back)|at home|with (?:me|us)|here|in (?:{ROOM}|his room|her room)))\b(?! (?:at|in|with|by) (?!{OURS}))",
    r"\b(?:home|back) (?P<at>and (?:safe|well|dry|ok)|safe|safely|now)\b",
    rf"\b{BROUGHT} (?:him|her|them|both|all|c\d+|\w+) (?:\w+ ){{0,2}}?(?P<at>here|with (?:me|us)|to (?:us|me|the (?:unit|house|placement|door)|our door|placement)|off (?:here|home|(?:at|to) (?:{OURS})))\b",
    r"\b(?:police|cops|officers?|taxi|worker|staff|bus|school|driver) (?:\w+ ){0,2}(?:brought|dropped|returned|bought) (?P<at>him|her|them|both|c\d+|\w+)(?: off| just now| now| safe| safely)*(?= at \d+| by| $|$)",
    r"^(?:ive |weve |i have |we have )?got (?:him|her|them|both)(?: (?:safe|back|home|here|now|with (?:me|us)))*$",
)
STATE = r"\b(?:asleep|sleeping|upstairs|downstairs|in (?:the|his|her|their|our|my) (?:garden|loft|attic|shed|garage|room|bedroom|spare room|bath|bathroom|shower|toilet|loo|kitchen|lounge))\b"
"""Places of a child who may never have left: no return beside a false alarm."""
STAND_DOWN = (
    r"(?<!not )(?<!never )\b(?!.*\b(?:if|once|when|unless|until|till|as soon as|in case|before)\b)(?:stand (?:everyone |everybody |police |them )?down|call(?:ing)? (?:off )?(?:the )?(?:search|police|cops) off|call off (?:the )?(?:search|police|cops)|(?:^|^please |(?:you|police|everyone|they|officers) (?:all )?(?:can|may) (?:now |all )?)stop (?:looking|searching)(?! (?:for now|tonight|at|until))|panic over(?! (?:her|his|their|the|an?|exams?|school|nothing|about|it)\b)|all accounted for|emergency over)\b",
)
"""A return in other words: nobody needs to look any more."""

NO_LONGER_MISSING = (
    r"\b(?:no longer|not|nt|never) (?:really |actually )?missing\b(?! (?:his|her|their|school|college|tea|lunch|dinner|meals|contact|appointments?|mum|home|you|us|me|much|out|lots|any(?:thing|one)|from|before|until|lessons|a )\b)",
)
"""Weakly back: the child is not missing."""

FALSE_ALARM = (
    r"(?<!earlier )(?<!last )(?<!previous )(?<!another )(?<!that )(?<!first )\bfalse (?:alarms?|report)\b",
    r"\b(?P<at>was|were|is) (?:never|not|not really|not actually) (?:missing|gone)\b(?=$| (?:at all|after all|sorry|he|she|they|in the first|just|it|i|thanks?|and|so|please|x)\b)",
    r"\b(?:withdraw|retract|cancel|delete|remove|take back|close|scrap) (?:the |my |that |this |our )?(?:(?:missing|misper) (?:persons? )?)?(?:report|alert|misper)\b",
    r"\bcancel (?:the )?(?:police|search|everything|officers|alert)\b",
    r"\b(?:sent|texted|pressed|said|reported|put) (?:\w+ )?missing (?:by|in) (?:accident|mistake|error)\b",
    r"\b(?P<at>is|are|has|have|had) (?:never|not) been (?:gone|missing|away)\b(?=$| (?:at all|after all|all|sorry|he|she|they|it|i|and|so|please)\b)",
    r"\b(?P<at>has|have|had|was) (?:never|not) (?:gone|been|left)(?: (?:out|anywhere|the house|missing))(?= at all|$| after all| all| he| she| they)",
    r"\b(?P<at>never) (?:left|went out of) (?:the |his |her )?(?:house|home|room|building|unit|bedroom)\b",
    r"\b(?P<of>all along|(?:the |this )?(?:whole|entire) time|all this time|all the time)\b",
    r"\b(?P<at>was|were|been) (?:just |only |actually |fast |here )?(?:asleep|sleeping|hiding|in (?:the|his|her|their) (?:\w+ )?(?:garden|shed|bath|bathroom|toilet|loo|shower|attic|loft|garage|room|bedroom|bed|wardrobe|cupboard|kitchen|lounge|living room|car|house)|upstairs|downstairs|under the bed|behind the sofa)\b",
    r"\bpocket (?:text|dial)\b|\bbum (?:text|dial)\b",
    r"\b(?:toddler|baby|son|daughter|kids?|grandson|child|he|she) (?:must have |has )?(?:sent|pressed) (?:that|it|this|the text)\b",
    r"^(?:please )?cancel(?: it| that| this)? ?(?:please|sorry)?$",
    r"\b(?P<at>never) (?:went|gone) (?:anywhere|out|missing)\b(?! (?:before|until))",
    r"\bpressed send\b",
    r"\b(?:did not|never) mean to (?:send|text|report)\b",
)
AT_A_TIME = (
    r"\b(?:at (?:about |around |half |gone )?(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|midnight|noon|tea ?time|bed ?time|lunch|dinner|breakfast|the time|first)|when (?:i|we|he|she|they|it|staff|last)|earlier|last (?:night|time|i|we|checked|seen)"
    r"|this (?:morning|afternoon|evening)|until|till|til|before|then|yesterday|an hour ago|(?:\d+|few|couple|two|three) (?:mins?|minutes|hours?|hrs?) ago|since|not long ago|gone|now (?:gone|not|empty)|and (?:then|now))\b"
)
"""A place at a certain time says nothing about now."""
TAKEN_BACK = (
    r"\b(?:ignore|disregard|scrap|delete|scratch|forget) (?:that|this|it|my|the|last|previous|me|all|above)\b",
    r"\bplease (?:ignore|disregard)\b",
    r"\bwrong (?:person|day)\b",
    r"\b(?:by|in|my|a) (?:mistake|error|accident)\b",
)
"""Weakly a false alarm: unless a detail is corrected, or NOT BACK withdraws an earlier BACK."""
DETAIL = (
    r"\b(?:coats?|jackets?|hood(?:ie|y)|trainers|jeans|joggers|tracksuit|leggings|uniform|shirt|top|jumper|dress|skirt|shorts|hat|cap|beanie|scarf|hijab|boots|shoes|bag|rucksack|black|white|grey|gray|blue|navy|red|green|yellow|pink|purple|brown|orange"
    r"|name|named|called|surname|spell\w*|spelt|typo|number|no|digits?|numbers|plate|reg|registration|photo|picture|pic|attachment|address|postcode|road|street|ref|reference|bus|train|tram|car|van|age|aged|years old|birthday|dob|height|tall|hair|eyes|colour|color|time|oclock|am|pm|friend|mate|phone|school|the (?:bit|part|thing) about|about (?:the|his|her|their)|meant|should (?:say|read|be|have)|i said|i put|i wrote|rather than|instead of|not \d+|\d+ not|code"
    r"|heddlu|cot)\b|\d"
)
"""Words for a detail: the mistake is in the detail, not in the report."""
APOLOGY = word_set("""
    a about above again all an and any apologies bad been bother button by day dear did ever everybody everyone fault
    for god gosh he her him hit i in is it its just last me mean meaning meant message messages msg my no not of oh ok
    omg on one person please previous really report reported send sent she silly so sorry stupid text texts thank
    thanks that the them they this time to trouble true very was wasting we worry wrong x xx you your
""")
EXPLAINED = r"\b(?:forgot|forgotten|remembered|(?:was|is|were|are) (?:just |only |actually |here )*(?:at|in|with|upstairs|downstairs|asleep|here|next door|fine)|never|found|misread|rota|diary|signed out|respite|as agreed|as planned|as arranged|booked|contact visit|not (?:missing|gone)|mixed up|mix up|did not realise|all along|whole time)\b"
"""Beside a withdrawal and nothing else, these words withdraw the report."""

LOCATED = (
    rf"\b(?:found|located|tracked|traced) (?!(?:his|her|their|the) (?:\w+ )?{BELONGING}\b)(?:him|her|them|both|[a-z]{{1,3}}\d{{1,4}}|the (?:boys?|girls?|kids?|lad|child|children))\b(?! (?:{BELONGING})\b)",
    r"\b(?:has|have|been|was|were|is|are|got) (?:now |just |been )*(?P<at>found|located)\b",
    r"\b\w+ (?P<at>located|found)(?: safe)? (?:by (?:police|officers|staff|security|btp)|at|in|with)\b",
    r"^(?:\w+ ){0,2}(?P<at>found|located)(?: safe at \w+| safe in \w+| safe| ok| alive| now| at \w+| in \w+)?$",
    r"\b(?:he|she|they|both|[a-z]{1,3}\d{1,4}) (?P<at>(?:is|are) (?:(?!back\b|home\b|not\b)\w+ )?(?:at|with|staying at|staying with|round|over at|in) (?!(?:me|us|risk|danger|trouble|home|the house|bed|here|a mood|an? older|some|school today)\b)(?:a |an |the |his |her |their |my )?(?:\w+ ){0,3}(?:house|flat|mates?|friends?|aunts?|aunty|aunties|uncles?|cousins?|brothers?|sisters?|girlfriends?|boyfriends?|dads?|mums?|nans?|grans?|mothers?|fathers?|station|hospital|infirmary|clinic|cells?|suite|services|airport|library|police|custody|place|home|school|mosque|church|park|shop|shopping|mcdonalds|hotel|hostel|a and e))\b",
    r"\b(?:i |we )?know(?:s)? where (?:he|she|they|c\d+|\w+) (?:is|are)\b",
    r"\b(?P<at>arrested|in custody)\b",
    rf"\b(?:police|hospital|school|staff) (?:have got|has got|have|has|got) (?:him|her|them|[a-z]{{1,3}}\d{{1,4}})\b(?! (?:\w+ )?(?:{BELONGING})\b)",
)
"""With `at` the subject is looked for: it may be a thing that is found."""
