"""The floors of every service. Each imports only those after it: delivery, bus and register, store, messages and
runtime.
"""
