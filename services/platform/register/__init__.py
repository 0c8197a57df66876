"""Reads by purpose: what the police notice, a conversation, a rule or a telling may know, and no more.

Each module reads the view of its purpose in one round trip. Only services whose database role was granted the view can
call it, and only those that hold the keyring can open personal columns. The tables behind the views are casework's.
"""
