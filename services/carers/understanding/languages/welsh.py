"""Lists Welsh as carers text it. Patterns over plain words: accents are gone, so that `yn ôl` is `yn ol`."""

from services.carers.understanding.languages.word_lists import word_set

WORDS = word_set("""
    mae wedi ddim adref gartref goll nol ol heb ddod mynd plentyn bachgen merch hi fe fo nhw rhedeg ffwrdd dychwelyd
    diogel gweld gwelais ble dal nawr rwan ydy dyw dydy yw diolch heddlu larwm camgymeriad cymorth helpwch ffoniwch
    newyddion sut beth i'w rwyf dwi
""")

NOT_BACK = (
    r"\b(?:ddim|heb|byth) (?:\w+ ){0,3}(?:adref|adre|gartref|yn ol|nol|ol|dychwelyd|cyrraedd|yma)\b",
    r"\bdal (?:i fod )?(?:allan|heb)\b",
)
MISSING = (
    r"\bar goll\b",
    r"\bwedi (?:\w+ )?(?:mynd|rhedeg|diflannu|gadael|dianc|cymryd)\b(?! (?:ai|a|i'r gwely|ir gwely|adref|adre|nol|yn ol|i ysgol|ir ysgol))",
    r"\brhedeg i ffwrdd\b",
    r"\b(?:methu|ddim yn gallu|ffaelu) (?:\w+ )?(?:ffeindio|dod o hyd|cael gafael|ffindio)\b",
    r"\bddim yn gwybod (?:ble|lle)\b",
    r"\bheb (?:ei |eu )?(?:gweld|weld|clywed)\b",
    r"\b(?:aeth|es) (?:\w+ )?(?:allan|bant|i ffwrdd|ffwrdd)\b",
    r"\b(?:does )?dim golwg (?:o|ohon\w*|ar)\b",
    r"\bddim yn (?:ei|eu) (?:gwely|wely|hystafell|ystafell|stafell)\b",
    r"\bgwely?n? (?:\w+ )?(?:wag|yn wag)\b",
)
NO_LONGER_MISSING = (r"\b(?:ddim|dim) (?:bellach )?ar goll\b",)
BACK = (
    r"\b(?:wedi|nawr|rwan) (?:dod |cyrraedd |dychwelyd |troi )?(?:\w+ )?(?P<at>adref|adre|gartref|yn ol|nol)\b",
    r"\bwedi (?P<at>dychwelyd|cyrraedd)\b",
    r"^(?:mae )?(?:\w+ ){0,3}?(?P<at>adref|adre|gartref|yn ol|nol)(?: \w+){0,3}$",
    r"\bddod a (?:\w+ ){1,2}?(?P<at>adref|adre|nol|yn ol)\b",
    r"^(?:mae )?(?:\w+ ){0,2}(?P<at>adren|adrefn|nol yn|gartref yn) saff\b",
    r"\b(?P<at>yn ol|nol|adref|gartref|adre)(?: (?:adref|adre|nol))? (?:ers|am|tua)\b",
)
FALSE_ALARM = (
    r"\bdrwyr amser\b",
    r"\b(?:larwm ffug|camrybudd|camgymeriad|rhybudd ffug)\b",
)
LOCATED = (
    r"\b(?:wedi (?:dod o hyd|ei ffeindio|ei ganfod|ei chanfod|ffeindio|cael hyd)|dod o hyd i)\b",
    r"\bmae (?:hi|e|o|fe|fo|nhw|\w+) (?P<at>yn yr (?:ysbyty|orsaf)|yng ngorsaf|gydar heddlu)\b",
)
SEEN = (r"\b(?:gwelais|gwelwyd|wedi (?:ei )?gweld|gwelodd)\b",)
CONTACT = (r"\b(?:ffoniodd|tecstiodd|wedi (?:ffonio|tecstio|cysylltu))\b",)
LURE = (
    r"\b(?:dyn|dynion|gwr) (?:\w+ ){0,2}(?:hyn|dieithr|car|fan|tu allan)\b",
    r"\bdieithryn\b",
    r"\b(?:meithrin perthynas amhriodol|ecsbloetio|masnachu)\b",
)
STATUS = (r"\b(?:unrhyw newyddion|beth syn digwydd|oes newyddion|statws|diweddariad)\b",)
ENQUIRY = (r"\b(?:ble|lle) (?:mae|maer|ydy|yw)\b",)
HELP = (r"\b(?:cymorth|helpwch|(?:angen|eisiau) help|ffoniwch fi|siarad a rhywun|siarad gyda)\b",)
THANKS = frozenset({"diolch", "iawn"})
AROUND_THANKS = word_set("ok yn fawr am roi gwybod i fi mi bawb chi hynny")
