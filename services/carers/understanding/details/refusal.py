"""Recognises a refusal by somebody on duty. The next person must then be told, whatever code the text holds."""

import re

from services.carers.understanding.languages import plain_words

DECLINES = re.compile(
    r"\b(?:can|could|will|do|am|are|is) not (?:\w+ ){0,2}(?:take|do|deal|pick|answer|cover|help|have|mine|me|on duty|on call|on shift|at work|working|able|available)\b"
    r"|\bunable to\b|\bnot (?:me|mine|(?:on )?my (?:case|caseload|child|kid|shift|team|list|patch)|for me|on duty|on call|on shift|working|available|able)\b"
    r"|\bon (?:annual )?leave\b|\boff (?:sick|duty|shift|work|today|tonight)\b"
    r"|\bwrong (?:person|number|worker|team)\b|\b(?:someone|somebody) else\b|\b(?:try|ask|ring|tell) (?!the\b|police\b|101\b|carer\b|her\b|him\b|them\b)\w+ instead\b"
    r"|\b(?:i|have|has|already|just) (?:finished|clocked off|gone off shift|retired)\b|\b(?:this|it|that|this one|that one) (?:needs?|has|ought|should|better) (?:to )?(?:go|be sent|be passed)(?: on)? (?:to|over to) (?!police\b|the police\b|hospital\b)\w+"
    r"|\b(?:pass|send|forward|redirect|give|hand|reassign) (?:it |this |that |these )?(?:on |over )?to (?!(?:the )?(?:police|control|officers?)\b)\w+"
    r"|\b(?:not (?:one of )?(?:mine|ours)|my shift (?:has )?(?:ended|finished)|moved (?:team|teams|jobs?)|left (?:the |that |this |your )?(?:team|service|job|council))\b"
    r"|\bcan not(?:$| (?:driving|right now|at the moment|tonight|now|today|sorry|please))"
    r"|\bno longer (?:work|working|on)\b"
)


def declines(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return DECLINES.search(plain_words.simplify(words)) is not None
