"""Records of discussions: the form, and the people asked to fill it in."""
