"""What a text means: a grammar for frightened people's writing. Pure; knows no child, no case and no clock."""
