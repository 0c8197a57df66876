"""Two ways to text, Twilio and GOV.UK Notify, behind one channel."""
