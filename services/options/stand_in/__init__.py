"""Answers the provider on another machine while carers cannot, and keeps what comes until they can."""
