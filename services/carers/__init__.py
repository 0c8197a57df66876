"""Reads every text that comes in, and texts carers.

Hears: every text, and every call to our number (Twilio's webhooks); `carer.alert` duties; decisions, so that STATUS
can be answered. Says: child-events, the outcomes of its duties and of every `OK <code>`, and `record.disposed.v1`
of old texts. Promises: a text is durable, in the database or on the disk, before Twilio is answered; every text reaches
a case or a human.
"""
