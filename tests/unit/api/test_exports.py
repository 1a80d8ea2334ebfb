"""Answers as CSV and Parquet files: the same numbers, to the last digit."""

import csv
import io
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.exports.csv_files import csv_bytes
from services.api.exports.formats import Format, preferred
from services.api.exports.parquet_files import parquet_bytes
from services.api.exports.tables import Column, Sort, Table
from tests.unit.api.builders import Memory, a_client, a_kpi, a_row

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1")


def _table(*cells: Any, sort: Sort = Sort.EXACT) -> Table:
    return Table((Column("cell", sort),), [(cell,) for cell in cells])


def _read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@given(st.lists(st.none() | NUMBERS))
def test_numbers_in_csv(numbers: list[Decimal | None]) -> None:
    """Numbers are written in full and come back as they were; negative ones are numbers, not formulas."""
    found = [cells[0] if cells else "" for cells in _read_csv(csv_bytes(_table(*numbers)))[1:]]

    assert [Decimal(text) if text else None for text in found] == numbers


@given(st.lists(st.none() | NUMBERS, min_size=1, max_size=20))
def test_numbers_in_parquet(numbers: list[Decimal | None]) -> None:
    """Decimals are exact; where some have too many digits for one scale the column is text and says so."""
    column = pq.read_table(io.BytesIO(parquet_bytes(_table(*numbers))))
    is_text = column.schema.field("cell").metadata == {b"tidemark": b"exact decimal as text"}
    found = [None if cell is None else Decimal(cell) for cell in column["cell"].to_pylist()]

    assert found == numbers
    assert is_text is (str(column.schema.field("cell").type) == "string")


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        (["12.5", "-3", "0.25"], "decimal128(38, 2)"),
        (["9" * 38], "decimal128(38, 0)"),
        (["1E+10", None], "decimal128(38, 0)"),
        (["9" * 39], "string"),
        (["1E-30", "1234567890"], "string"),
        ([None], "decimal128(38, 0)"),
    ],
)
def test_kinds_of_columns(numbers: list[str | None], kind: str) -> None:
    """38 digits before and after the point together are a decimal, more are text."""
    cells = [None if number is None else Decimal(number) for number in numbers]

    assert str(pq.read_table(io.BytesIO(parquet_bytes(_table(*cells)))).schema.field("cell").type) == kind


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_texts_in_csv(texts: list[str]) -> None:
    """Texts come back as they were, but for an apostrophe before what a spreadsheet would work out."""
    found = [cells[0] if cells else "" for cells in _read_csv(csv_bytes(_table(*texts, sort=Sort.TEXT)))[1:]]

    assert found == [
        f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text for text in texts
    ]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas(text: str) -> None:
    """No text begins as a formula does, in a cell or in the name of a column."""
    table = Table((Column(text, Sort.TEXT),), [(text,)])

    assert [row[0][0] for row in _read_csv(csv_bytes(table))] == ["'", "'"]


def test_lines() -> None:
    """Lines end as RFC 4180 says, and cells with commas, quotes or breaks are quoted."""
    table = Table(
        (Column("a", Sort.TEXT), Column("b", Sort.TRUTH), Column("c", Sort.INSTANT), Column("d", Sort.WHOLE)),
        [('x,"y"\nz', True, datetime(2026, 1, 31, 9, 30, 0, 5, UTC), -7), (None, None, None, None)],
    )

    assert csv_bytes(table) == b'a,b,c,d\r\n"x,""y""\nz",true,2026-01-31T09:30:00.000005Z,-7\r\n,,,\r\n'


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ([], Format.JSON),
        (["*/*"], Format.JSON),
        (["text/csv"], Format.CSV),
        (["text/csv;q=0.5, application/json"], Format.JSON),
        (["application/json;q=0.5", "text/csv"], Format.CSV),
        (["application/vnd.apache.parquet, */*;q=0.1"], Format.PARQUET),
        (["text/html, */*;q=0.8"], Format.JSON),
        (["text/*"], Format.CSV),
        (["image/png"], Format.JSON),
        (["text/csv;q=nonsense"], Format.JSON),
    ],
)
def test_accept(accept: list[str], wanted: Format) -> None:
    """Of the formats there are the one that is liked best; JSON if none is liked better."""
    assert preferred(accept) is wanted


async def _get(path: str, **headers: str) -> httpx2.Response:
    rows = Memory()
    rows.rows = [a_row(value=Decimal("42.50")), a_row(window="24h"), a_row(dimensions={"carrier": "=A1"})]
    rows.known = [(("carrier", "=A1"),), (("carrier", None),)]
    async with a_client(rows, a_kpi(title="=cmd()", target={"value": 5})) as client:
        return await client.get(path, headers=headers)


PATHS = [
    "/v1/kpis",
    "/v1/values",
    "/v1/kpis/departures/value",
    "/v1/kpis/departures/value?breakdown=carrier",
    "/v1/kpis/departures/history?from=now-1h&step=20m",
    "/v1/kpis/departures/history?bucket=day&breakdown=carrier",
    "/v1/kpis/departures/compare?with=last_week&with=last_year",
]


@pytest.mark.asyncio
@pytest.mark.parametrize("path", PATHS)
async def test_both_files(path: str) -> None:
    """CSV and Parquet have the same columns and rows, as many as there are items, and are named."""
    mark = "&" if "?" in path else "?"
    told, text, file = [await _get(f"{path}{mark}format={each}") for each in ("json", "csv", "parquet")]
    lines, table = _read_csv(text.content), pq.read_table(io.BytesIO(file.content))
    body = told.json()
    items = body.get("items", [body])
    many = sum(len(each["items"]) for each in body["series"]) if "series" in body else len(items)

    assert lines[0] == table.column_names
    assert len(lines) - 1 == table.num_rows == many
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-type"] == "application/vnd.apache.parquet"
    assert text.headers["content-disposition"].endswith('.csv"')
    assert file.headers["content-disposition"].startswith('attachment; filename="')
    assert len({each.headers["etag"] for each in (told, text, file)}) == 3
    assert {each.headers["vary"] for each in (told, text, file)} == {"Accept"}
    for place, name in enumerate(table.column_names):
        cells = ["" if cell is None else str(cell) for cell in table[name].to_pylist()]
        if str(table.schema.field(name).type) == "string":
            assert [line[place].removeprefix("'") for line in lines[1:]] == cells


@pytest.mark.asyncio
async def test_cells() -> None:
    """A row has the very numbers of the item, its target beside them; names from outside are defused."""
    answer = await _get("/v1/values", Accept="text/csv")
    header, *rows = _read_csv(answer.content)
    first, last = (dict(zip(header, row, strict=True)) for row in (rows[0], rows[1]))
    listed = _read_csv((await _get("/v1/kpis?format=csv")).content)

    assert (first["value"], first["dimensions"], first["target"], first["status"]) == (
        "42.50",
        "{}",
        "5",
        "on_track",
    )
    assert last["dimensions"] == '{"carrier":"=A1"}'
    assert dict(zip(*listed, strict=True))["title"] == "'=cmd()"


@pytest.mark.asyncio
async def test_columns_of_dimensions() -> None:
    """Of one KPI, each dimension is a column; events without it have an empty cell."""
    answer = await _get("/v1/kpis/departures/value?breakdown=carrier&format=csv")
    header, *rows = _read_csv(answer.content)
    place = header.index("dimensions.carrier")

    assert sorted(row[place] for row in rows) == ["", "'=A1"]


@pytest.mark.asyncio
async def test_next_page() -> None:
    """A file has one page, and names the next."""
    answer = await _get("/v1/values?limit=1&format=csv")
    link = answer.headers["link"]
    following = await _get(link[1 : link.index(">")])

    assert len(_read_csv(answer.content)) == 2
    assert link.endswith('; rel="next"')
    assert len(_read_csv(following.content)) == 2
    assert following.content != answer.content


@pytest.mark.asyncio
async def test_unchanged_file() -> None:
    """Who has the file already gets 304; the tag of another format is not that of this one."""
    first = await _get("/v1/values?format=csv")
    tag = first.headers["etag"]
    again = await _get("/v1/values?format=csv", **{"If-None-Match": tag})
    other = await _get("/v1/values", **{"If-None-Match": tag})

    assert (again.status_code, other.status_code) == (304, 200)


@pytest.mark.asyncio
async def test_no_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is not installed the answer says what to install; CSV needs none."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer, text = await _get("/v1/values?format=parquet"), await _get("/v1/values?format=csv")

    assert (answer.status_code, answer.json()["type"]) == (406, "urn:tidemark:problem:no-parquet")
    assert "tidemark[parquet]" in answer.json()["detail"]
    assert text.status_code == 200


@pytest.mark.asyncio
async def test_unknown_format() -> None:
    """A format that there is not is refused."""
    assert (await _get("/v1/values?format=xlsx")).status_code == 400
