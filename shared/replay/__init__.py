"""Reading the event log again: which records count, and what they come to."""
