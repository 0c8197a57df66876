"""Lists the people and things of texts beside the child. A subject in none of the lists is taken for the child."""


def word_set(words: str) -> frozenset[str]:
    """The words between the spaces."""
    return frozenset(words.split())


CHILD = word_set("""
    all bachgen both boy boys child children e everybody everyone fe fo girl girls he her herself hi him himself kid
    kids lad lads lass little merch nhw o one person plentyn resident residents she teen teenager them themselves they
    twins youngster youngsters yp yps
""")
SPEAKER = word_set("dw dwi fi i me myself ni ourselves us we you yourself")
ADULTS = word_set("""
    advocate ambulance carer carers coach constable cop copper cops detective doctor duty edt escort everybodys feds
    fella gp guard guardian gwr gwraig heddlu hubby husband interpreter iro keyworker lawyer lodger manager managers
    nurse officer officers paramedic paramedics partner pc police searchers security sergeant sgt solicitor staff
    supervisor sw teacher teachers team tutor volunteers warden wife worker workers
""")
"""If one of these has left, nobody is missing."""
ANIMALS = word_set("cat cath cats ci dog dogs hamster horse pup puppy rabbit")
KIN = word_set("""
    anybody anyone aunt auntie aunty baby bestie bf bloke blokes boyfriend brawd brother brothers chwaer classmate
    cousin cousins dad daughter daughters driver drivers ex family father ffrind flatmate friend friends gf girlfriend
    gran grandad granddad granddaughter grandma grandson group guy guys housemate imam landlord mam man mate mates men
    mom mother mum mums nan nana neighbor neighbour neighbours nephew niece others pal pals parent parents people
    priest roommate sibling siblings sister sisters somebody someone son sons stepdad stepmum stepson stranger tad
    toddler uncle visitor visitors woman women
""")
VEHICLES = word_set("""
    bike bus bws cab car coach lift lorry minibus moped scooter tacsi taxi train tram uber van
""")
THINGS = word_set("""
    account app bag bags bank battery bed blanket body boiler card case cash charger clothes coat cold college debit
    door drawer drone electric electricity else everything facebook ffon football glasses gps hat hearing heating
    helicopter hoodie inhaler insta instagram internet ipad iphone it its jacket jumper key keys laptop letter life
    light lights line location medication meds mobile money network news note nothing number order other pain parcel
    passport phone phones photo picture post power purse rain ref report rest result results rucksack scarf school
    shoe shoes signal site snap snapchat something stuff suitcase system tablet things this tiktok tracker trainers tv
    uniform wallet watch water weather what whatsapp wifi window
""")
OTHERS = SPEAKER | ADULTS | ANIMALS | KIN | VEHICLES | THINGS

WITHIN_A_VERB = word_set("""
    accounted actually again all already also am appeared are arrived asleep at back be been being both bought
    bringing brought burst came carried collected come comes coming crept cyrraedd definitely delivered did do dod
    does driven dropped drove escorted even eventually ever fetched finally fine found get gets getting given gone got
    gotten had handed has have here his home in is just landed last left legged let literally made mae maen minute mor
    never nipped nol not now of off officially ok okay on only out own picked popped put ran really reappeared
    returned returning rocked rolled run safe safely sat second sent showed shown slipped sneaked snuck staggered
    still stood straight strolled strolls stumbled taken their then this through today tonight took turned up walked
    walks waltzed wandered was wedi well went were yet yn
""")
"""Skipped on the way from a verb back to its subject."""
NO_NAMES = word_set("""
    a about after afternoon ages ago ah aha ahead alarm alert alive am amazing an and any approx around as at because
    before being bless brilliant but by calm cannot cant cheers cold confirm confirmed confirming correction cos
    crying done down drunk eight eleven end ended evening everyone false finally five for found four from further fyi
    god going good goodness great haha half happy hello hey hi hiya hooray hope hopefully hour hours hungry hurrah
    hurt id if in is it itself ive know later latest like lol long look looking love lovely maybe midnight min mins
    minute minutes missing mistake more morning much muddy need night nine no now oh ok okay omg on once one over
    panic past phew please pm police ps quarter quick quite relief relieved result right safe say saying search see
    seven sign signs since six so soaked sorry sorted status tell ten thank thanks thankyou that thats the then there
    think thought three till time tired to told twelve two unharmed uninjured until update upset very way well wet
    when which while who whoop with wonderful worries worry wow wrong x xx xxx yay yeah yep yes
""")
"""Words that stand where a name would, and are none."""
PREPOSITIONS = word_set("""
    about after as at behind beside by for from gan gyda in inside into ir like near off on outside past per round
    than through to towards via with without
""")
BESIDE_A_NOUN = word_set("""
    a an another back front her his main my next old other our own same some that the their this your
""")
BOARDED = word_set("catch caught get getting got grabbed had ordered take taking took used using")
BRINGING = word_set("bought bringing brought collected delivered driven dropped escorted fetched returned")
PASSIVE = word_set("are been being got has is was were")
NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
