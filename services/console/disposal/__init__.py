"""Decides what is held for an inquiry and what is erased, in the name of somebody who is signed in."""
