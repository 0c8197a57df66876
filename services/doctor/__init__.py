"""Tries what a service's settings name, for an operator, before a carer depends on it: `python -m services doctor`.

An option: nothing else imports it. Promises: changes nothing outside (one mail to our own mailbox alone), sends nothing
to a person, and prints no secret and no word about a child.
"""
