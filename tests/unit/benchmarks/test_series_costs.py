"""What is said of remembered ids is what they take."""

from benchmarks.series_costs import remembered_bytes


def test_bytes_of_ids() -> None:
    """A table that is a quarter to half full has 20 bytes a slot, so an id takes 40 to 80."""
    each = remembered_bytes(100_000) / 100_000

    assert 40 <= each <= 80
