"""What to do about a text: pure decisions. Who texts, how things stand and the time are passed in."""
