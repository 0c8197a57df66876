"""Lists words for missing in other languages. A text that holds one is a report at once, and a person always reads it
as well.
"""

MISSING = (
    "ka humbur", "humbur", "ka ikur", "iku", "u largua", "zhduk", "zhdukur", "eshte larguar", "nuk ka ardhur ne shtepi", "nuk eshte kthyer",  # Albanian
    "mat tich", "bo tron", "bo di", "bi lac", "khong ve nha", "chua ve nha", "chua ve", "khong thay ve", "bo nha di", "khong tim thay",  # Vietnamese
    "zaginal", "zaginela", "zaginiony", "uciekl", "uciekla", "zniknal", "zniknela", "nie wrocil", "nie wrocila", "nie ma go", "nie ma jej", "nie ma \\w+ od", "zaginiona", "zniknieto", "nie moge znalezc",  # Polish
    "disparut", "a fugit", "a plecat", "nu sa intors", "nu s a intors", "lipseste", "nu a venit acasa", "nu e acasa", "nu o gasesc", "nu il gasesc", "disparuta",  # Romanian
    "a disparu", "disparu", "disparue", "sest enfui", "pas rentre", "pas rentree", "fugue", "fugueuse", "introuvable", "nest pas revenu", "nest pas revenue", "ne la trouve pas", "ne le trouve pas",  # French
    "desaparecido", "desaparecida", "ha desaparecido", "se escapo", "no ha vuelto", "desapareceu", "fugiu", "escapado", "escapo", "no volvio", "no ha regresado", "no regreso", "no encuentro a", "se ha ido", "nao voltou", "sumiu", "nao encontro", "nao veio para casa",  # Spanish, Portuguese
    "winda", "wenda", "winda bu", "wun bu", "wnda", "kayip", "kayboldu", "kacti", "eve gelmedi", "bulamiyorum", "evden gitti", "reviya", "revi", "revand", "winda ye", "nehatiye male", "nehat male",  # Kurdish, Turkish
    "gum shuda", "gomshode", "farar kard", "wrak shawe", "wrak shway", "laapata", "lapata", "gayab", "ghayab", "ghaib", "gum ho gaya", "gum ho gayi", "bhag gaya", "bhag gayi", "ghar nahi aya", "ghar nahi aayi", "ghar nahi aaya", "farar", "farar karde", "gom shode", "be khane nayamade", "nayamade", "nist",  # Dari, Pashto, Urdu
    "maqqan", "mafqud", "mafqood", "mafqooda", "mafquda", "harab", "harabat", "harbat", "ikhtafa", "ikhtafat", "ma rej3at", "ma rij3at", "ma rej3", "ma rja3t", "dhayaal", "wuu baxsaday", "wuu maqan yahay", "way maqan tahay", "waa maqan", "la layahay", "waa la waayay", "la waayay", "kuma soo noqon", "ma soo noqon", "way baxsatay", "wey baxsatay",  # Arabic, Somali
    "tefiu", "tefia", "tsefiu", "tefa", "tefach", "tefito", "aytemelsen", "aytemelsetn", "almetam", "almetachim", "hadimu", "hadima", "bu jian le", "shi zong", "mei huijia", "mei hui jia", "znykla", "znyk", "propala", "propal", "vtekla", "vtik", "sbezhala", "sbezhal", "ne vernulas", "ne povernulasya",  # Tigrinya, Amharic, in Latin letters
)  # fmt: skip

MISSING_IN_OTHER_SCRIPTS = (
    "مفقود", "اختفى", "اختفت", "هرب", "ضاع", "لم تعد", "لم يعد", "لم ترجع", "لم يرجع", "ما رجع",  # Arabic
    "گم شد", "فرار کرد", "ناپدید", "گمشده", "برنگشته", "نیامده", "فراری",  # Farsi, Dari
    "ورک", "تښتېدل", "نه ده راغلې", "نه دی راغلی", "لاپته", "لاپتہ", "غائب", "بھاگ گی", "گھر نہیں آ", "واپس نہیں آ",  # Pashto, Urdu
    "ون بوو", "ونبوو", "دیار نییە", "هەڵهات", "نەگەڕاوەتەوە",  # Sorani
    "ጠፊኡ", "ጠፊኣ", "ጠፋ", "ጠፍታ", "ጠፍቷ", "ሃዲሙ", "ሃዲማ", "ኣይተመልሰ", "አልመጣ", "አልተመለሰ",  # Tigrinya, Amharic
    "зник", "пропал", "сбежал", "втік", "втекла", "не повернула", "не повернувся", "не вернула", "не вернулся", "нема вдома", "убежал",  # Ukrainian, Russian
)  # fmt: skip
"""Beginnings of words."""
MISSING_WITHOUT_SPACES = ("失踪", "走失", "不见了", "不見了", "离家出走", "找不到", "没回家", "没有回家", "沒回家")
"""Chinese, found within words."""
