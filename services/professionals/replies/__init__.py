"""Replies of professionals by mail, and the hand-over to another holder of the role."""
