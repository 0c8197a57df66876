"""Turns each thing that happens to a child into duties, by rules that a social work manager can read (`rules/*.yaml`).

Hears: child-events (those that the clock publishes among them), outcomes, dead letters. Says: duties and decisions, and
writes deadlines. Promises: the same history, facts and protocol give the same decisions; every decision names rule,
version and paragraph; a duty ends acknowledged, done or cancelled with a reason, or stays open, unanswered, with
its last human; one authority's faulty rules stop nobody: its last good ones hold (`editions`). The law that rules cite
has its days (`law`).
"""
