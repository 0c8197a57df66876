"""Keeps files in places outside: packs for when all is down, anchors of the record, copies of the database."""
