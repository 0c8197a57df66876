"""Languages that a text may be recognised as written in, by their ISO 639 codes. English is none of them."""

from enum import StrEnum


class TextLanguage(StrEnum):
    """Those of children and carers here. It is shown to whoever signs in to read the text, and goes into no text and no
    mail: a language comes close to saying where a child is from.
    """

    ALBANIAN = "sq"
    AMHARIC = "am"
    ARABIC = "ar"
    BENGALI = "bn"
    CHINESE = "zh"
    FRENCH = "fr"
    KURDISH = "ku"
    PASHTO = "ps"
    PERSIAN = "fa"
    """Dari too: written they are alike."""
    POLISH = "pl"
    PORTUGUESE = "pt"
    PUNJABI = "pa"
    ROMANIAN = "ro"
    RUSSIAN = "ru"
    SOMALI = "so"
    SPANISH = "es"
    TIGRINYA = "ti"
    TURKISH = "tr"
    UKRAINIAN = "uk"
    URDU = "ur"
    VIETNAMESE = "vi"
    WELSH = "cy"
