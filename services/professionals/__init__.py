"""Tells professionals by text and mail: social workers, duty teams, managers, guardians, legal advisers, others.

Hears `professional.notify` duties, and `duty.acknowledged` when somebody has answered. Twilio reports to `POST
/texts/status`; the button of a mail leads to `/acknowledge/{token}`. Bounces, absences and answers in words come as
mail to its own SMTP port. Says how each telling ended: accepted, delivered, acknowledged, failed; nobody in the role,
so that the next is told at once; and each deed that a reader recorded on the page. Promises a thin text or mail: no
name, no status, no place; a code or a button by which its reader says "I have it".
"""
