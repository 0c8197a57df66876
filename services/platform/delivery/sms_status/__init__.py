"""Twilio's reports of texts, reply codes, and the call where a text did not arrive."""
