"""The page behind a mail's button, and Twilio's reports."""
