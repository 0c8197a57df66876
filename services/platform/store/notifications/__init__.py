"""Notifications by PostgreSQL.

A notification only hurries what a turn would find by itself, later. So one that is lost costs time and nothing else.
"""
