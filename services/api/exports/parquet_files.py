"""Tables as Parquet files with exact decimals; its library is an extra and loaded when first needed."""

from decimal import Decimal
from importlib import import_module
from typing import Any

from services.api.exports.tables import Cell, Sort, Table
from shared.domain.errors import BadInputError

DIGITS = 38
"""How many digits a decimal of 128 bits has."""

EXACT_TEXT = {b"tidemark": b"exact decimal as text"}
"""Stands in the field of a column of decimals of which some have too many digits."""


class NoParquetError(BadInputError):
    """This instance writes no Parquet: install `tidemark[parquet]`, or ask for csv or json."""


def parquet_bytes(table: Table) -> bytes:
    """*table* as one file; may take long at the first call.

    Raises:
        NoParquetError: the extra is not installed.
    """
    pa, pq = _library("pyarrow"), _library("pyarrow.parquet")
    pairs = [
        _column(pa, column.name, column.sort, [row[place] for row in table.rows])
        for place, column in enumerate(table.columns)
    ]
    schema = pa.schema([field for field, _ in pairs])
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays([array for _, array in pairs], schema=schema), out)
    return bytes(out.getvalue().to_pybytes())


def _library(name: str) -> Any:
    # Not at the top: it is an extra of 45 MB, and takes most of a second to load.
    try:
        return import_module(name)
    except ImportError as error:
        raise NoParquetError(str(NoParquetError.__doc__)) from error


def _column(pa: Any, name: str, sort: Sort, cells: list[Cell]) -> tuple[Any, Any]:
    if sort is Sort.EXACT:
        return _decimals(pa, name, [cell for cell in cells if cell is None or isinstance(cell, Decimal)])
    kinds = {
        Sort.TEXT: pa.string(),
        Sort.WHOLE: pa.int64(),
        Sort.INSTANT: pa.timestamp("us", tz="UTC"),
        Sort.TRUTH: pa.bool_(),
    }
    return pa.field(name, kinds[sort]), pa.array(cells, type=kinds[sort])


def _decimals(pa: Any, name: str, cells: list[Decimal | None]) -> tuple[Any, Any]:
    """Decimals of the scale that the longest fraction needs; texts if one then has too many digits."""
    known = [cell for cell in cells if cell is not None]
    scale = max((-min(_exponent(cell), 0) for cell in known), default=0)
    whole = max((cell.adjusted() + 1 for cell in known if cell), default=1)
    if max(whole, 1) + scale <= DIGITS:
        kind = pa.decimal128(DIGITS, scale)
        return pa.field(name, kind), pa.array(cells, type=kind)
    texts = [None if cell is None else format(cell, "f") for cell in cells]
    return pa.field(name, pa.string(), metadata=EXACT_TEXT), pa.array(texts, type=pa.string())


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
