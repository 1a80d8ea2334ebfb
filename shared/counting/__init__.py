"""From clean events to what measures take of them; it knows no store, no broker and no clock."""
