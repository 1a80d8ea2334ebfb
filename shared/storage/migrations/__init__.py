"""The schema's history; `upgrade` brings a database to its newest state."""
