"""Names the people and things of texts beside the child (`lexicons/people.yaml`)."""

from services.carers.understanding.languages.lexicon import load_words

WORDS = load_words("people")
CHILD = WORDS["child"]
SPEAKER = WORDS["speaker"]
ADULTS = WORDS["adults"]
ANIMALS = WORDS["animals"]
KIN = WORDS["kin"]
VEHICLES = WORDS["vehicles"]
THINGS = WORDS["things"]
OTHERS = SPEAKER | ADULTS | ANIMALS | KIN | VEHICLES | THINGS
WITHIN_A_VERB = WORDS["within_a_verb"]
NO_NAMES = WORDS["no_names"]
PREPOSITIONS = WORDS["prepositions"]
BESIDE_A_NOUN = WORDS["beside_a_noun"]
NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
