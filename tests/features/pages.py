"""The page of features, made of the rows beside this file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "features.md"
_ROWS = Path(__file__).with_name("rows.yaml")

_HEAD = """\
# Features, and the test that proves each

Made of `tests/features/rows.yaml` by `python -m tests.features`. A test compares the two, looks for every
test named here and wants one for every feature that is a must (**M**). The others are marked S.
"""


class Row(BaseModel):
    """One feature.

    Attributes:
        tests: those that fail without it, as `file::function`.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    must: bool
    feature: str
    how: str
    tests: tuple[str, ...]


class Group(BaseModel):
    """The features of one part of the work."""

    model_config = ConfigDict(extra="forbid")

    group: str
    title: str
    rows: tuple[Row, ...]


def groups() -> Sequence[Group]:
    """All features, by group."""
    return TypeAdapter(tuple[Group, ...]).validate_python(yaml.safe_load(_ROWS.read_text(encoding="utf-8")))


def page() -> str:
    """The text of docs/features.md."""
    return "\n".join([_HEAD, *(line for group in groups() for line in _section(group))]) + "\n"


def _section(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield "| | | feature | how | proven by |"
    yield "| --- | --- | --- | --- | --- |"
    for row in group.rows:
        level = "**M**" if row.must else "S"
        tests = "<br>".join(_link(test) for test in row.tests) or "not met"
        yield f"| {row.id} | {level} | {row.feature} | {row.how} | {tests} |"
    yield ""


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[`{name}`](../{file})"
