"""The file of source topics: what it may say, and where it is wrong when it is."""

from pathlib import Path as FilePath

import pytest

from services.ingest.sources import SourcesFileError, parse_sources, read_sources
from shared.contracts.mappings import Const, JsonMapping, Path

GOOD = """\
apiVersion: tidemark/v1
kind: Sources
topics:
  - topic: business.events
  - topic: shop.orders
    mapping:
      id: order.id
      source: {const: /shop}
      type: kind
      time: placed_at
      subject: customer.name
      retracts: cancels
"""


def test_good() -> None:
    """Topics come with their mapping, or with none when they carry CloudEvents."""
    assert parse_sources(GOOD, name="sources.yaml") == {
        "business.events": None,
        "shop.orders": JsonMapping(
            id=Path(("order", "id")),
            source=Const("/shop"),
            type=Path(("kind",)),
            time=Path(("placed_at",)),
            subject=Path(("customer", "name")),
            retracts=Path(("cancels",)),
        ),
    }


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tidemark/v1", "tidemark/v2", "1:13: apiVersion is not tidemark/v1"),
        ("Sources", "Kpis", "2:7: kind is not Sources"),
        ("kind: Sources\n", "", "1:1: the file has no kind"),
        ("topics:", "topic:", "3:1: the file has no member 'topic'; it has apiVersion, kind, topics"),
        ("shop.orders", "tidemark.events", "5:12: tidemark.events is written by Tidemark"),
        ("shop.orders", "business.events", "5:12: topic business.events is there twice"),
        ("shop.orders", "shop orders", "5:12: 'shop orders' is no name of a topic"),
        ("      id: order.id\n", "", "7:7: mapping has no id"),
        ("order.id", "order..id", "7:11: id is no path"),
        ("order.id", "[a]", "7:11: id is not a text"),
        ("time: placed_at", "time: {const: now}", "10:13: time is not a text"),
        ("const: /shop", "cnst: /shop", "8:16: source has no member 'cnst'; it has const"),
        ("const: /shop", "const: ''", "8:23: source.const is not a text"),
        ("type: kind", "id: kind", "9:7: id is there twice"),
        ("topics:\n", "topics: []\nrest:\n", "4:1: the file has no member 'rest'"),
    ],
)
def test_complaints(old: str, new: str, complaint: str) -> None:
    """A fault is told with its line and column, and with what would be right."""
    with pytest.raises(SourcesFileError) as refusal:
        parse_sources(GOOD.replace(old, new, 1), name="sources.yaml")

    assert str(refusal.value).startswith(f"sources.yaml:{complaint}")


@pytest.mark.parametrize("text", ["", "topics: [", "- 1", "1"])
def test_no_file_at_all(text: str) -> None:
    """What is no such file is refused with its name."""
    with pytest.raises(SourcesFileError, match=r"sources\.yaml"):
        parse_sources(text, name="sources.yaml")


def test_missing_file(tmp_path: FilePath) -> None:
    """A file that is not there is named."""
    with pytest.raises(SourcesFileError, match=r"nowhere\.yaml"):
        read_sources(tmp_path / "nowhere.yaml")
