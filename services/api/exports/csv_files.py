"""Tables as CSV by RFC 4180, safe to open in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

from services.api.exports.tables import Cell, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a text for something to work out (OWASP, CSV injection)."""


def csv_bytes(table: Table) -> bytes:
    """*table* in UTF-8, with a line of names; an empty cell is null.

    A text that a spreadsheet would take for a formula has an apostrophe before it; numbers are numbers.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_text(column.name) for column in table.columns])
    writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode()


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return format(cell, "f")
        case datetime():
            return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case int():
            return str(cell)
        case str():
            return _text(cell)


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
