"""Decides what the pages show and which acts are possible. Pure: the words are in `messages/`, the templates in `pages/`."""
