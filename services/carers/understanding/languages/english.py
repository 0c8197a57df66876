"""Lists the English of reports, as it is texted: missing, late, seen, lured. Patterns over plain words
(`plain_words.simplify`).

Order within a list does not matter.
"""

NOT = r"(?:not|never|no)"
BELONGING = r"(?:phones?|mobile|bags?|rucksack|coat|jacket|hoodie|clothes|shoes|trainers|note|letter|diary|bed|room|window|door|passport|bike|things|stuff|friends?|mates?|mum|dad)"

IRRELEVANT = (
    r"^(?:drove|cycled|drive) (?:straight )?(?:back|home)\b",
    r"\bfound (?:him|her|them) on (?:facebook|insta\w*|snap\w*|tiktok|whatsapp|social media|line)\b",
    r"\bgone and (?=(?:walked|turned|come|let|got|rocked|strolled) (?:in|up|back|home|himself|herself))",
    r"\b(?:i am|i was|we are|we were|i|we) not (?:at )?(?:home|there|here)\b",
    r"\b(?:hear|heard|hearing) (?:\w+ )?back\b",
    r"\b(?:call|ring|text|phone|message|get|write|email|report|(?<!has )(?<!have )(?<!just )(?<!is )(?<!he )(?<!she )(?<!they )come) (?:me |us |you |them |it )?back (?:please|asap|when|on|to|if|soon|later|thanks|now)\b",
    r"\b(?:call|ring|text|phone|message)(?:ed)? (?:me|us|you) back\b",
    r"\b(?:come|came|comes|coming|gets|got) home with (?:a|an|some|new|loads|lots|money|bruises|marks|stuff|things)\b",
    r"(?<!\bout the )(?<!\bout of the )\bback (?:door|garden|window|gate|yard|pack|street|road|seat|bedroom|room|of(?! (?:his|her|their) own)|then)\b",
    r"\bmissing (?:you|him lots|her lots|home|his (?:mum|mom|dad|family|friends|phone|keys|country)|her (?:mum|mom|dad|family|friends|phone|keys|country)|their (?:mum|family|friends))\b",
    r"\b(?:home|back) from (?:looking|searching|driving|work|the search|town|shift|holiday|a? ?drive|walking)\b",
    r"\b(?:way|while|weeks?|months?|years?|days?|cash|money|feed|flash|play|answer|fight|hold) back\b(?! (?:home|here|now|in|with|safe))",
    r"\b(?:hurt|broke|broken|injured|bad|on|behind|stabbed in|sore) (?:his|her|my|their|the) back\b",
    r"(?<!\bto )(?<!\bto the )(?<!\bto her )(?<!\bto his )(?<!\bat the )\b(?:care|childrens|nursing|foster|family|going|gone|near|from|old) home\b(?! (?:now|safe))",
    r"\bnot know (?:that )?(?:he|she|they) (?:was|were|is|are|had) (?:missing|gone)\b",
    r"\b(?:seen|received|read) and (?:understood|noted|acknowledged|actioned)\b",
    r"\b(?:bringing|taking|carrying|sending|making|buying|having) (?:\w+ ){0,3}?(?:milk|food|tea|dinner|shopping|chips|pizza|stuff|things) (?:back|home)\b",
    r"\bnot (?:a )?word of (?:sorry|apology|thanks|explanation)\b|\bno word of (?:sorry|apology|thanks|explanation)\b",
    r"\bgone (?:straight )?(?:up|upstairs|to) (?:to )?(?:bed|sleep|(?:(?:his|her|their) )?(?:room|bedroom|bed|shower|bath))\b",
    r"\bgone upstairs\b",
    r"\b(?:checked|spoken|spoke|rung|rang|ring|called|confirmed|liaised|speaking|phoned|contacted|with) (?:with |to )?(?:the |his |her )?(?:childrens )?home\b(?! (?:now|safe))",
    r"\bmissing (?:person|persons|report|from home|unit|team|coordinator|officer)s? (?:officer|team|unit|coordinator|form|number|interview)\b",
)
"""Misleading words, taken out first."""

HYPOTHETICAL = (
    r"\b(?:if|when|in case|incase|unless|until|till|til) (?:\w+ ){0,3}(?:goes|go|went|gets|comes|come|is|are|runs|run|leaves|leave|gone|disappears|returns|return|turns up|turn up)\b(?: \w+){0,3}",
    r"\b(?:might|may|could|going to|gonna|wants to|wanted to|want to|trying to|tries to|tried to|threatening to|threatened to|threatens to|planning to|plans to|about to|likely to|risk of|thinking of|talking about|talks about|talked about) (?:\w+ ){0,2}(?:go|going|goes|run|running|leave|leaving|disappear|disappearing|abscond|absconding)\b(?: \w+){0,2}",
    r"\b(?:will|would) (?:\w+ ){0,1}(?:go missing|run off|run away|leave|disappear|abscond|be gone)\b",
    r"\bwhat (?:do i do|to do|happens|should i do)\b(?: \w+){0,4}",
)
"""A possibility or a wish is no fact."""

DUE = (
    r"\b(?:should|shoulda|supposed|meant|due|expected) (?:to )?(?:have |of |a )?(?:been |be |come |got )?(?:back|home|in|here)\b(?! (?:soon|later|tomorrow|shortly|any|in (?:a|an|\d)))",
    r"\b(?:was|were|is|are) (?:due|supposed|meant|expected)\b(?: \w+){0,4} (?:back|home|in|here|return)\b",
    r"\b(?:overdue|past (?:his|her|their) curfew|missed (?:his|her|their) curfew|broken curfew|after curfew|breached curfew)\b",
    r"\bstill (?:out|gone|waiting|nowhere|away|no|absent|outstanding|unaccounted)\b",
    r"\b(?:no|not a) (?:sign|sight|show|word|trace|sighting) (?:of|from|yet)\b",
    r"\bno (?:sign|sight|trace)$",
    r"\bno show\b",
    r"\b(?:was|were) (?:due|expected|meant|supposed) (?!for (?:my|you|your|someone|somebody|another|a|the)\b)(?:to be )?(?:\w+ ){0,2}?(?:at|by|before|for|half|\d+|nine|ten|eleven|eight|seven|six|five)\b",
    r"\bcurfew (?:was|were|of)\b",
    r"\b(?:past|over|missed|broke|broken|breached|after|beyond) (?:(?:his|her|their|the|my) )?(?:curfew|(?:his|her|their) time)\b",
    r"\bexpect(?:ed|ing) (?:him|her|them|c\d+|\w+) (?:back|home|in|at|by|here|for|an hour|ages|hours)\b",
    r"\b(?:said|promised|agreed|told me|told us|swore) (?:(?:he|she|they) )?(?:(?:would|will|to) )?(?:be )?(?:back |home |in )?(?:by |at |for )?(?:half |quarter )?(?:\d+|six|seven|eight|nine|ten|eleven|midnight)\b.*\b(?:its|it is|is|now|gone|nearly|no|nothing|nowt)\b",
    r"\b(?:said|promised|agreed|swore) (?:(?:he|she|they) )would be (?:back|home|in|(?:an?|half an|\d+|one|two|ten|twenty) (?:hour|min|minute)s?)\b",
    r"\b(?:promised|agreed|swore|said) to be (?:back|home|in)\b",
    r"\b(?:back|home|in) (?:\w+ )?(?:an? )?(?:hours?|ages|\d+ (?:mins|minutes|hours|hrs)) ago and (?:is not|has not|not|still)\b",
)

LATE = (
    (
        r"(?P<at>\b(?:is|are|s|running|very|really|now|mins|minutes|hours?|hrs|half) (?:very |really |well |so |quite |a bit |now |getting )*late\b"
        r"(?! (?:for|to|with|teens?|night|shift|texting|replying|reply|with|because|sorry|breakfast|lunch|dinner|bus|on))"
        r"|\blate (?:again|back|home|in)\b(?! (?:to|for))|^late(?: again| now| home| back)*$)"
    ),
)
"""A child that its carer calls late is missing, unless it is late for something else."""

NOT_BACK = (
    rf"\b{NOT} (?:(?!missing\b|sure\b|and\b|so\b|he\b|she\b|they\b|hurt\b|injured\b|now\b)\w+ ){{0,4}}(?:back|home|returned|return|arrived|arrive|turned up|turn up|shown up|show up|showed up|got in|came in|come in|come through the door)\b",
    rf"\b{NOT} (?:here|there|on (?:it|the (?:bus|minibus|train|tram|coach|platform))|in there|in (?:the )?(?:house|home|building|bed|room|(?:his|her|their) (?:bed|room|bedroom))|in yet|anywhere|around)\b",
    rf"\b{NOT} (?:\w+ )?(?:think|believe|reckon|know|say|said|see|seen|true|case|convinced|certain|hear|heard|mean|clear|confirmed|that) (?:(?!and\b|so\b)\w+ ){{0,6}}?(?:back|home|returned|here|in)\b",
    rf"\b{NOT} (?:\w+ )?with (?:me|us)\b",
    rf"\b{NOT} (?:been )?in(?: (?:by|at|for|before|and|since|yet|tonight|all (?:day|night|evening)|till|until|from)\b|$)",
    r"\bonly (?:one|two|three|four|half|some|1|2|3) (?:of (?:them|the \w+|us) )?(?:\w+ )?(?:came|come|got|is|are|has|have|made it|returned|turned up) (?:\w+ )?(?:back|home|here|in|up|off|returned)?",
    r"\bnot at (?:house|home)\b|\bnever reach(?:ed)? (?:the )?(?:house|home|here|back)\b|\bnot reach(?:ed)? (?:the )?(?:house|home|here|back)\b|\bno return\b",
    r"\b(?:without|minus) (?:him|her|them)$",
    r"\b(?:nobody|no one|noone|no1|none|neither|nor|hardly|no way|doubt|unlikely|no (?:sign|evidence|indication|proof|trace)) (?:(?!and\b|but\b|so\b|got\b|hurt\b|injured\b|is hurt\b)\w+ ){0,7}?(?:back|home|returned|brought|found)\b",
    r"\b(?:back|home|here|came|arrived|returned|turned up|come) (?:\w+ ){0,2}?without (?:him|them|her(?= *$)|c\d+)\b",
    r"\bneither (?:\w+ ){0,4}(?:here|there|back|home|in|returned|answering)\b",
    r"\bback (?:is|was) (?:a mistake|wrong)\b",
    r"\b(?:wrong|mistaken) about (?:being |\w+ being )?back\b",
    r"\b(?:he|she|they|c\d+|\w+) (?:is|has|have|are|did) not$",
    r"^(?:c\d+|\d{1,4}) (?:still )?not$",
)

MISSING = (
    r"\bmissing\b",
    r"\babsent\b(?! (?:from (?:school|lessons?|class|college)|father|dad|mother|parents?|minded))",
    r"\b(?:unaccounted|outstanding)\b(?! (?:for (?:money|by)|student|work|report|issues?|results?|job|support))",
    r"(?<!will )(?<!would )\b(?:not|never) (?:come|came) out\b|\bnot (?:show|shown|turn|turned|appear|appeared)\b(?! (?:me|us|any|interest|the|a|off|on|it))",
    r"\bpacked (?:a|his|her|their|up|all|some)?(?: \w+){0,3}? and (?:has |is |just |then )*(?:left|gone|went|walked|ran|disappeared)\b",
    r"\b(?:left|leaving|wrote|written) (?:a|me a|us a) (?:note|letter|goodbye)\b.*\b(?:saying|says|goodbye|not|leaving|going|sorry|look)\b",
    r"\b(?:gone|went|climbed|jumped|got|hopped|is|over) (?:\w+ )?over the (?:\w+ )?(?:fence|wall|gate|roof)\b",
    r"\b(?:gave|given|giving) (?:me|us|staff|them|him|her|the \w+) the slip\b|\bslipped (?:away|past|out)\b|\bunable to account for\b|\bat large\b|\bnot accounted for\b",
    r"\bnot (?:see|saw|seen) (?:him|her|them|c\d+)\b",
    r"\b(?:run|ran|runs|running|runaway) ?(?:away|off|out)\b",
    r"\b(?:done|did|doing) (?:a )?(?:runner|one|bunk|off)\b",
    r"\b(?:taken|took|take|takes) (?:\w+sel(?:f|ves) )?off\b",
    r"\bout (?:of )?the (?:\w+ ){0,2}(?:door|window)\b",
    r"\b(?:done it|at it|at it all|up to it) again\b",
    r"\bfailed to (?:return|come|arrive|turn up|show)\b",
    r"\bnowhere to be (?:found|seen)\b",
    r"\b(?:run|ran) of$",
    r"\b(?:taken|snatched|abducted|kidnapped|grabbed)\b(?! (?:to (?:hospital|school|a and e)|his|her|the|my|it|some|money|clothes|bag))",
    r"\b(?:legged it|scarpered|bolted|absconded|escaped|legged|hopped it|scarpa)\b",
    r"\b(?:disappeared|vanished)\b",
    r"^(?:\w+ )?misper(?: report| please)?$",
    r"\b(?:run|ran) from (?:the|us|me|my|our|his|her|their)\b",
    r"\b(?:nobody|no one|noone) in (?:his|her|their|the) (?:bed|room|bedroom)\b",
    r"\b(?:bed|room|bedroom) (?:\d+ )?(?:is |was |still |and )*(?:empty|not slept in|unslept)\b",
    r"\b(?:empty|an empty|bed) (?:bed|room|bedroom|empty)\b",
    r"\b(?:can|could|still can|have) not (?:find|found|get hold of|reach|trace|locate|see|contact)\b(?! (?:one|it|anything|any|my|your|the (?:number|form|link|address|email|code|text|app|page)|duty|police|anyone|you|social)\b)",
    r"\b(?:not|never|no longer) (?:(?:seen|heard)(?! (?:the|that|this|a|my|your) (?!girl|boy|kid|child|lad))|been seen|been heard|spotted|been found|found|located|answering|picking up|turned|been in contact)\b",
    r"\b(?:taken|took|snatched|grabbed) (?:him|her|them)(?:$| (?:away|from|off|in a|into)\b)",
    r"\bnever (?:came|come|made it|got (?:to|there|off|on|in|home)|arrived|showed|turned up|registered|signed in|checked in)\b",
    r"\bnot know (?:were|wer|where|wear)\b(?! (?:they|you|we|i|people|it|that|this) (?:get|got|heard|came|comes|is from|read))",
    r"\b(?:no|without|not have) permission\b|\bunauthori[sz]ed absence\b",
    r"\bnot (?:come|came) down\b|\bnot (?:get|got) (?:on|off) (?:the|his|her|their)\b|\bnot (?:sleep|slept|stay|stayed) (?:here|in|at (?:home|placement|the))\b",
    r"\b(?:one|two|1|2|count|number|numbers) (?:is |was |are )?(?:one |1 )?(?:short|down)\b|\bshort by (?:one|two|1|2)\b",
    r"\blost (?!(?:my|the|his|her|their|our|a|an|it|contact|keys|phone|signal|count|patience|interest|weight|some|money|all)\b)\w+ (?:in|at|on|near|from)\b|\blost (?:track|contact|touch) (?:of|with)\b",
    r"\bran from\b",
    r"\b(?:neither|none) (?:\w+ ){1,5}(?:can|could) (?:find|reach|get hold|locate|see)\b",
    r"(?<!was )(?<!were )\bnot (?:at|with) (?:his|her|their|any of (?:his|her|their)|the) (?:\w+ )?(?:friends?|mates?|nans?|mums?|dads?|cousins?|sisters?|brothers?|boyfriends?|girlfriends?)\b",
    r"\b(?:looked|searched|checked|been) everywhere for (?:him|her|them|\w+)\b",
    r"\bunable to (?:find|locate|contact|reach)\b",
    r"\b(?:nobody|no one|noone|none of us|no1) (?:\w+ ){0,3}(?:seen|saw|heard|knows where)\b",
    r"\blast seen\b",
    r"\b(?:not|no idea|no clue|dunno|not sure|unsure) (?:(?!say\b|saying\b|tell\b|telling\b)\w+ ){0,2}(?:where|whereabouts)\b(?! (?:they|you|we|i|people|it|that|this) (?:get|got|heard|came|comes|is from|read))",
    r"\bwhereabouts (?:is |are )?(?:unknown|not known)\b",
    r"\blost (?:him|her|them|sight of|the (?:girl|boy|kids?|lad|child)|[a-z]{1,3}\d{1,4})\b",
    r"\bnot (?:slept|been) in (?:his|her|their) (?:bed|room)\b",
    r"\bnot (?:at|in) (?:school|college)\b(?!.*\b(?:ill|sick|poorly|unwell|with me|appointment|holiday|half term)\b)",
    r"\bout all night\b",
    r"\bgone for (?:\d+|a|an|two|three|four|five|six|hours|ages)\b",
)

LEFT = (
    r"\b(?:slipped|sneaked|snuck|crept|wandered|walked|gone|went|slunk|vanished) (?:away|off)\b",
    r"\b(?:hed|shed|theyd|of|ve|must have|must be) gone\b",
    r"\b(?:has|is|have|are|was|had|just|all|both|been|already|now|s) gone\b(?! (?:(?:\w+ )?to (?:bed|sleep|school|college|work|hospital|the (?:shop|shops|doctors?|dentist|gym|park|toilet))|quiet|well|up to bed|home|back))",
    r"^(?:\w+ ){0,3}gone(?! (?:\w+ )?to (?:bed|sleep|school|college|work|hospital)\b)(?: again| missing| off| out| last night| tonight| \w+ (?:ago|hours?))?(?: \w+){0,3}$",
    r"\bgone (?:off|again|out and|out last|without|with (?:a|some|an|two|the|another)|since|from|missing)\b",
    r"\b(?:(?<!the )(?<!his )(?<!her )(?<!my )left(?! (?:it|them|this|that|ear|eye|hand|arm|foot|leg|knee|wrist|ankle|shoulder|cheek|eyebrow|side)\b)|walked out|walked off|stormed out|stormed off|went out|gone out|slipped out|snuck out|sneaked out|climbed out|got out|wandered off|went off|cleared off|crept out|jumped out)\b(?! (?:a|an|his|her|their|the|some) (?:note|letter|message|phone|mobile|bag|coat|charger|keys?|clothes|stuff|things|shoes|inhaler|medication|passport|money|card)\b)(?! (?:the )?(?:shoe|hand|leg|arm|side|school for|a note for school))",
    r"\b(?:and|then|but|now|is|has|have|straight|was|he|she|they) (?:\w+ ){0,2}?(?<!going )(?:went|gone|off|out|left|away|ran|run|legged it|walked|drove) (?:again|out again|off again|straight (?:back )?(?:out|off)|back out|out the (?:\w+ )?(?:door|window))\b",
    r"\bfor (?:about |only |just )*(?:an?|one|two|five|ten|\d+|half an?|a few|a couple of) (?:min|mins|minute|minutes|sec|secs|seconds|hour|hours|bit|moment)s? (?:and|then|before) (?:\w+ ){0,2}?(?:went|left|gone|off|going|leaving|leg\w+|ran)\b",
    r"\b(?:been and gone|came and went|been and went|in and out|(?<!going )off again|(?<!going )out again|left again|gone again)\b",
    r"\band (?:then )?(?:just )?(?:went|left|ran|legged it|scarpered|bolted|gone|went off|walked|disappeared)(?: again| off| out| straight out| away)*$",
    r"\b(?:went|gone) (?:straight )?(?:back )?out (?:again|the door|of the door)\b",
)
"""Weakly missing: no report of a grown-up, nor of a child with somebody who looks after it."""

SEEN = (
    r"\b(?:seen|saw|spotted|sighted|sighting|noticed)\b",
    r"\b(?:location|snap map|find my (?:phone|iphone)|tracker|gps) (?:\w+ ){0,3}(?:shows?|says?|showing|pinging|pinged|at|near)\b",
    r"\b(?:pinged|pinging)\b",
)

CONTACT = (
    r"\b(?:he|she|they|[a-z]{1,3}\d{1,4}) (?:has |have |just |had )*(?:rang|rung|called|phoned|texted|messaged|text|snapchatted|whatsapped|facetimed|answered|replied|sent|been in touch|made contact|contacted)\b",
    r"\b(?:spoke|spoken|chatted) (?:to|with) (?:him|her|them|[a-z]{1,3}\d{1,4})\b",
    r"\bheard from (?:him|her|them|[a-z]{1,3}\d{1,4})\b",
    r"\b(?:call|text|message|whatsapp|voicemail) from (?:him|her|them|[a-z]{1,3}\d{1,4})\b",
)

LURE = (
    r"\blur(?:e|ed|ing)\b",
    r"\bgroom(?:ed|ing|er|ers)\b",
    r"\btraffick\w*\b",
    r"\bexploit\w*\b",
    r"\b(?:older|strange|unknown|different|two|three|some|random|grown|adult) (?:\w+ )?(?:man|men|male|males|guy|guys|bloke|blokes|woman|women|adult|adults|lad|lads)\b",
    r"\b(?:a|the same|same|strange|unknown|black|white|silver|grey|red|blue|dark) (?:car|van|bmw|audi|merc|mercedes|range rover) (?:\w+ ){0,2}(?:outside|waiting|following|hanging|parked up|circling)\b",
    r"\bkeeps? (?:calling|ringing|asking|coming|waiting) (?:\w+ )?for (?:him|her|them)\b",
    r"\b(?:man|men|bloke|blokes|guy|guys|someone|somebody|people|stranger|strangers) (?:\w+ ){0,2}(?:in a (?:\w+ )?(?:car|van)|waiting|outside|watching|following|messaging|contacting|texting|ringing|picking|picked|asking for|hanging)\b",
    r"\b(?:picked|pick|picking) (?:him |her |them |\w+ )?up (?:by|in|outside)\b(?! (?:the )?(?:police|me|us|social|a police|officers?|my|school))",
    r"\b(?:got|getting|gets|jumped|went off|gone off|left|go|going|drove|driven) (?:off )?(?:into|in|away in) (?:a |an |some |the |strange )*(?:\w+ )?(?:car|van|taxi|vehicle|cab|bmw|audi|merc|mercedes)\b",
    r"\b(?:new|second|another|expensive|2nd|burner) (?:\w+ )?(?:phone|phones|iphone|trainers|clothes|jewellery|watch|coat)\b(?! number)",
    r"\b(?:carry|carrying|deliver|delivering|moving|holding|selling|running|dealing) (?:drugs|packages|parcels|weed|stuff for)\b",
    r"\b(?:offering|offered|offers|promised|promising) (?:him|her|them) (?:\w+ ){0,2}(?:work|job|jobs|money|lift|place)\b",
    r"\b(?:county lines|drug (?:dealer|dealers|runner|running)|running drugs|selling drugs|dealing drugs|cannabis farm|nail bar|car wash|brothel|pimp)\b",
    r"\b(?:unexplained|lots of|loads of|wads? of) (?:money|cash|gifts?|presents?)\b",
    r"\b(?:someone|man|men|guy|bloke|stranger|adult) (?:he|she|they) met online\b",
    r"\b(?:met|talking to|chatting to|messaging) (?:\w+ ){0,3}(?:online|on (?:snapchat|snap|tiktok|instagram|insta|telegram|whatsapp|facebook))\b",
    r"\b(?:offering|offered|offers|wants|wanting|promised) to (?:pay|buy|send|give) (?:for )?(?:him|her|them|his|her|their)\b(?! (?:back|home|to (?:school|college|the (?:doctors?|dentist))))",
    r"\b(?:not to|do not|must not|never) tell (?:me|us|anyone|anybody|staff|the carers?|nobody)\b",
    r"\b(?:a |the )?(?:car|taxi|van|lift|driver) (?:is |was |will be )?(?:coming|waiting|sent|arranged|booked) for (?:him|her|them)\b",
    r"\b(?:go off|go away|leave|run away|come away) with (?:them|him|these|those) \b",
    r"\b(?:sell|selling|sells|hold|holding|move|moving|run|running|drop|dropping|shift|shifting) (?:stuff|drugs|weed|gear|food|packages|things for)\b",
    r"\b(?:sending|sends|sent|gave|giving|gives|buys|buying|bought) (?:him|her|them|\w+) (?:gifts?|presents?|expensive \w+|money|cash|vapes?)\b",
    r"\b(?:work|job|come and live|come and work|live with (?:him|them)) (?:\w+ ){0,4}(?:nail (?:bar|shop|salon)|car ?wash|restaurant|takeaway|farm|factory|club)\b",
    r"\bowes? (?:\w+ ){0,2}(?:money|debt)\b",
    r"\bmoney (?:he|she|they) owes?\b",
    r"\bsmuggler?s?\b",
    r"\b(?:sexual|sexually|sex)\b",
)
