"""Texts and mails to professionals, prepared for their first send."""
