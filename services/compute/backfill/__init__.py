"""Filling new measures from the event log, beside live counting and out of its way."""
