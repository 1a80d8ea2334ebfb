"""Settings of ingest: what the environment may say."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.ingest.main import source_topics
from services.ingest.settings import IngestSettings
from shared.contracts.mappings import Const, JsonMapping
from shared.contracts.mappings import Path as JsonPath


def test_topics_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several source topics are written with commas between them."""
    monkeypatch.setenv("TIDEMARK_INGEST_SOURCE_TOPICS", "a, b ,c,")

    assert IngestSettings().ingest_source_topics == ("a", "b", "c")


@pytest.mark.parametrize("text", ["", " , ", "a,tidemark.events", "tidemark.deadletter"])
def test_topics_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """There is at least one source, and none that Tidemark writes itself: that would never end."""
    monkeypatch.setenv("TIDEMARK_INGEST_SOURCE_TOPICS", text)

    with pytest.raises(ValidationError):
        IngestSettings()


def test_file_adds(tmp_path: Path) -> None:
    """The topics of the file are read besides those of the environment; its mapping counts."""
    file = tmp_path / "sources.yaml"
    file.write_text(
        "apiVersion: tidemark/v1\nkind: Sources\ntopics:\n"
        "- {topic: a, mapping: {id: n, source: {const: s}, type: {const: t}}}\n- topic: b\n"
    )
    settings = IngestSettings(ingest_source_topics=("a", "c"), ingest_sources_file=file)

    mapping = JsonMapping(id=JsonPath(("n",)), source=Const("s"), type=Const("t"))
    assert source_topics(settings) == {"a": mapping, "b": None, "c": None}
