"""What the pages show. Pure: chooses and counts; the words are in `messages/`, the looks in `pages/`."""
