"""The main stories on a whole stack, with phones, desks and mailboxes outside."""
