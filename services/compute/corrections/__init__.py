"""Undoing events that were retracted: found in the log, taken back, and what cannot be taken back rebuilt."""
