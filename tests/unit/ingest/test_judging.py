"""Verdicts on records: which are clean, which are set aside, and what is written about them."""

from datetime import timedelta

import pytest

from services.ingest.judging import Rules, judge, judge_times
from shared.contracts.deadletters import DeadLetter, original_headers, read_dead_letter
from shared.contracts.events import CLEAN_HEADERS, clean_decoder, clean_key
from shared.contracts.mappings import Const, JsonMapping, Path
from shared.contracts.rfc3339 import text_of_us, us_of_text
from shared.domain.events import MAX_SKEW, RETENTION, Reason, Rejected, partition_of
from shared.messaging.records import TopicPartition
from tests.builders import ARecord, an_event, structured

AT = TopicPartition("business.events", 3)
NOW_US = us_of_text("2026-11-01T10:20:00.000000Z")
RULES = Rules({}, partitions=4, now_us=NOW_US)


def test_clean() -> None:
    """A good event becomes a clean record under its key, in the partition of the key, for now."""
    verdicts = judge(AT, [ARecord(structured())], RULES)

    (record,) = verdicts.clean
    key = clean_key(an_event())
    assert clean_decoder.decode(record.value or b"") == an_event()
    assert (record.key, record.partition) == (key, partition_of(key, 4))
    assert (record.headers, record.timestamp_ms) == (CLEAN_HEADERS, None)


def test_dead_letter() -> None:
    """A bad record is set aside as it arrived, with the reason, the place and the time."""
    headers = (("ce_id", b"1"), ("ce_id", b"\xff"))
    bad = ARecord(b"x", offset=7, key=b"k", headers=headers)
    (letter,) = judge(AT, [bad], RULES).dead

    assert (letter.key, letter.value, original_headers(letter.headers)) == (b"k", b"x", list(headers))
    assert read_dead_letter(letter.headers) == DeadLetter(
        reason="not_utf8",
        detail="header 'ce_id' is not UTF-8",
        service="ingest",
        topic="business.events",
        partition=3,
        offset=7,
        time="2026-11-01T10:20:00.000000Z",
        timestamp_ms=bad.timestamp,
    )


def test_each_once() -> None:
    """Every record has one verdict, and the reasons are counted."""
    records = [ARecord(structured(id=str(n)) if n % 3 else b"x", n) for n in range(9)]
    verdicts = judge(AT, records, RULES)

    assert (len(verdicts.clean), len(verdicts.dead), verdicts.reasons) == (6, 3, {Reason.MALFORMED_JSON: 3})


def test_mapping_of_the_topic() -> None:
    """Plain JSON is read by the mapping of its own topic and no other."""
    mapping = JsonMapping(id=Path(("n",)), source=Const("s"), type=Const("t"))
    rules = Rules({"orders": mapping}, partitions=4, now_us=NOW_US)
    plain = [ARecord(b'{"n":1}', headers=())]

    assert len(judge(TopicPartition("orders", 0), plain, rules).clean) == 1
    assert judge(AT, plain, rules).reasons == {Reason.UNKNOWN_FORMAT: 1}


@pytest.mark.parametrize(
    ("age", "step", "reason"),
    [(-MAX_SKEW, -1, Reason.TIME_IN_FUTURE), (RETENTION, 1, Reason.TIME_TOO_OLD)],
    ids=["future", "past"],
)
def test_time_limits(age: timedelta, step: int, reason: Reason) -> None:
    """Exactly five minutes ahead and 400 days ago are accepted, a microsecond further is not."""
    age_us = age // timedelta(microseconds=1)
    times = [text_of_us(NOW_US - age_us - step * microseconds) for microseconds in (-1, 0, 1)]
    judged = judge_times([an_event(time=time) for time in times], now_us=NOW_US)

    assert [each.reason if isinstance(each, Rejected) else None for each in judged] == [None, None, reason]


def test_places_are_kept() -> None:
    """Rejections by time and by content stay in the places of their events."""
    malformed = Rejected(Reason.MALFORMED_JSON, "")
    late = an_event(time="2020-01-01T00:00:00.000000Z")
    judged = judge_times([malformed, late, an_event()], now_us=NOW_US)

    assert judged[0] is malformed
    assert isinstance(judged[1], Rejected)
    assert judged[2] == an_event()
