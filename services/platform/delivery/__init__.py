"""Sends one message to one destination until it is done: schedule, lanes, leases, attempts and channels.

Promises: a delivery that was put is sent, or ends in an outcome that says why not; a destination that fails delays no
other and is never switched off; recipient and body are fixed, encrypted, at the first attempt, so that every attempt
says the same under the same id. The effects of a send commit with the event that tells of it. Knows no roles and no
agencies: a service puts deliveries, and prepares each when it is first sent.
"""
