"""Decisions by kind of sender: carer, staff, police officer, stranger."""
