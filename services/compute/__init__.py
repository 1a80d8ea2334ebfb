"""Compute: counts the clean topic into panes, exactly once, and keeps the current values."""
