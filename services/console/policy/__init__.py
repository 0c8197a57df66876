"""Decides the content of pages and the possible acts. Pure: words are in `messages/`, templates in `pages/`."""
