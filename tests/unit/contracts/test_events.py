"""The clean record: its bytes, its key and its place."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import clean_decoder, clean_key, encode_clean
from shared.domain.events import event_key, partition_of
from tests.builders import an_event


def test_bytes() -> None:
    """The clean record is a compact CloudEvent whose fields are always in the same order."""
    event = an_event(subject="AA", retracts="AA0")

    assert encode_clean(event) == (
        b'{"specversion":"1.0","id":"AA1","source":"/flights","type":"flight.departed",'
        b'"time":"2026-11-01T10:15:00.000000Z","subject":"AA","retracts":"AA0",'
        b'"data":{"carrier":"AA","delay":5}}'
    )


def test_optional_fields() -> None:
    """What an event does not have is not in its record; empty data is."""
    assert encode_clean(an_event(data={})) == (
        b'{"specversion":"1.0","id":"AA1","source":"/flights","type":"flight.departed",'
        b'"time":"2026-11-01T10:15:00.000000Z","data":{}}'
    )


@given(st.text(min_size=1), st.text(min_size=1), st.none() | st.text(min_size=1))
def test_round_trip(event_id: str, source: str, retracts: str | None) -> None:
    """What is written is what is read."""
    event = an_event(id=event_id, source=source, retracts=retracts)

    assert clean_decoder.decode(encode_clean(event)) == event


def test_key_is_the_identity() -> None:
    """The key stands for source and id and for nothing else; it never changes between versions."""
    key = clean_key(an_event(type="other", data={}, subject="x"))

    assert key.hex() == event_key("/flights", "AA1").hex() == "673f0a62d906fbe85d5535ede1f1787e"


def test_retraction_meets_its_event() -> None:
    """A retraction lies where the event lies that it retracts."""
    assert clean_key(an_event(id="AA2", retracts="AA1")) == clean_key(an_event(id="AA1"))


def test_no_confusion() -> None:
    """Moving a letter from the source to the id makes another identity."""
    assert event_key("/flightsA", "A1") != event_key("/flights", "AA1")


@pytest.mark.parametrize("partitions", [1, 4, 7, 1024])
def test_partition(partitions: int) -> None:
    """Every key has a partition, and keys spread evenly: none has twice its share."""
    places = [partition_of(event_key("/s", str(n)), partitions) for n in range(20 * partitions)]
    most = max(places.count(place) for place in set(places))

    assert set(places) <= set(range(partitions))
    assert most <= 20 * 2.5


def test_exponent_beyond_decimals() -> None:
    """A foreign record with a number that no decimal can be is refused like any other that is not clean."""
    value = encode_clean(an_event(data={"n": 0})).replace(b'"n":0', b'"n":1e99999999999999999999')
    with pytest.raises(msgspec.ValidationError):
        clean_decoder.decode(value)
