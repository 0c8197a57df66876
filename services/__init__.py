"""Safe Return's services, and the floors that they share (`platform`, `safeguarding`, `wording`)."""
