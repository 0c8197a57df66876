"""Forces and agencies as they are known: entered, changed by two people, taken back."""
