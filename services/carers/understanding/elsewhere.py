"""Other languages, only far enough that a report is one at once. A person always reads such a text as well."""

MISSING = (
    "ka humbur", "humbur", "ka ikur", "iku", "u largua", "zhduk",  # Albanian
    "mat tich", "bo tron", "bo di", "bi lac", "khong ve nha",  # Vietnamese
    "zaginal", "zaginela", "zaginiony", "uciekl", "uciekla", "zniknal", "zniknela", "nie wrocil", "nie wrocila",  # Polish
    "disparut", "a fugit", "a plecat", "nu sa intors",  # Romanian
    "a disparu", "disparu", "disparue", "sest enfui", "pas rentre", "fugue",  # French
    "desaparecido", "desaparecida", "ha desaparecido", "se escapo", "no ha vuelto", "desapareceu", "fugiu",  # Spanish, Portuguese
    "winda", "wenda", "winda bu", "wun bu", "wnda", "kayip", "kayboldu", "kacti",  # Kurdish, Turkish
    "gum shuda", "gomshode", "farar kard", "wrak shawe", "wrak shway", "laapata", "lapata", "gayab", "gum ho gaya",  # Dari, Pashto, Urdu
    "maqqan", "mafqud", "mafqood", "harab", "dhayaal", "wuu baxsaday", "wuu maqan yahay", "way maqan tahay",  # Arabic, Somali
    "tefiu", "tefia", "tsefiu", "tefa", "tefach",  # Tigrinya, Amharic, in Latin letters
)  # fmt: skip

MISSING_IN_OTHER_SCRIPTS = (
    "مفقود", "مفقودة", "اختفى", "اختفت", "هرب", "هربت", "ضاع",  # Arabic
    "گم شده", "گم شد", "فرار کرد", "ناپدید", "گمشده", "برنگشته",  # Farsi, Dari
    "ورک", "تښتېدل", "لاپته", "غائب", "بھاگ گیا",  # Pashto, Urdu
    "ون بوو", "ونبوو", "دیار نییە",  # Sorani
    "ጠፊኡ", "ጠፊኣ", "ጠፋ", "ጠፋች", "ሃዲሙ",  # Tigrinya, Amharic
    "зник", "зникла", "пропал", "пропала", "сбежал", "втік",  # Ukrainian, Russian
    "失踪", "走失", "不见了",  # Chinese
)  # fmt: skip
