"""The short way into the log accepts nothing that the long way refuses, and then says the same."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.events import encode_clean
from shared.contracts.express import ProvenEvent, proven_events
from shared.contracts.intake import decode_structured
from shared.domain.events import Rejected

HEAD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2026-01-01T00:00:00Z"}
COMPACT = (",", ":")


def raw(data: str = "{}", **head: Any) -> bytes:
    """An event with *data*, a JSON text, behind its attributes."""
    return f'{json.dumps(HEAD | head, separators=COMPACT)[:-1]},"data":{data}}}'.encode()


def as_sent(value: bytes) -> Any:
    """A JSON text as nested lists that keep the order of members and what kind of number each is."""
    return json.loads(value, object_pairs_hook=list, parse_float=_number, parse_int=_number)


def _number(literal: str) -> tuple[bool, Decimal]:
    return literal.lstrip("-").isdecimal(), Decimal(literal)


def check(value: bytes, *others: bytes) -> ProvenEvent | None:
    """What is proven of *value* among *others*, held against the long way."""
    proven = proven_events([*others, value, *others])[len(others)]
    if proven is not None:
        long = decode_structured(value, timestamp_us=0)
        assert not isinstance(long, Rejected), f"{value!r} is refused: {long}"
        assert as_sent(encode_clean(long)) == as_sent(encode_clean(proven))
    return proven


USUAL = {
    "flat": raw('{"carrier":"AA","delay":-2,"paid":39.90,"late":true,"gate":null}'),
    "empty": raw(),
    "subject and a content type": raw(subject="AA 12", datacontenttype="application/json"),
    "retraction": raw(retracts="7", id="8"),
    "spaces": json.dumps(HEAD | {"data": {"name": "a b", "n": 1}}).encode(),
    "nested": raw('{"a":{"b":[1,2,{"c":3}]},"d":[]}'),
    "letters of the world": raw('{"city":"Zürich","mood":"😀"}').decode().encode(),
    "data first": b'{"data":{"a":1},' + raw()[1:].replace(b',"data":{}', b""),
    "offset": raw(time="2026-01-01T01:00:00+01:00"),
    "many digits": raw('{"n":12345678901234567890123456789012345678,"x":0.1234567890123456789}'),
}


@pytest.mark.parametrize("value", USUAL.values(), ids=USUAL.keys())
def test_usual_events(value: bytes) -> None:
    """What most senders send takes the short way, with the outcome of the long one."""
    assert check(value) is not None


LEFT_OVER = {
    "escape": raw(r'{"a":"x\ny"}'),
    "member twice": raw('{"a":1,"a":1}'),
    "member twice, apart from its colon": raw('{"a" :1,"a":2}'),
    "member twice further down": raw('{"a":{"b":1,"b":2}}'),
    "attribute twice": raw(type="a").replace(b'"type":"a"', b'"type":"a","type":"b"'),
    "attribute twice, apart": raw(type="a").replace(b'"type":"a"', b'"type" :"a","type":"b"'),
    "null subject": raw(subject=None),
    "unknown attribute": raw(colour="red"),
    "attribute of a wrong type": raw(id=7),
    "no name": raw(id=""),
    "long name": raw(id="x" * 257),
    "control character": raw(id="a\x7fb").replace(b"\\u007f", b"\x7f"),
    "control character in a wide text": json.dumps(HEAD | {"id": "é\x85", "data": {}}, ensure_ascii=False,
                                                   separators=COMPACT).encode(),
    "long integer": raw('{"n":' + "1" * 39 + "}"),
    "long fraction": raw('{"n":0.' + "1" * 39 + "}"),
    "long on both sides": raw('{"n":' + "1" * 20 + "." + "1" * 19 + "}"),
    "exponent": raw('{"n":1e3}'),
    "small": raw('{"n":0.0000001}'),
    "not finite": raw('{"n":1e999}'),
    "deep": raw("[" * 17 + "]" * 17),
    "deep lists": raw('{"a":' + "[" * 16 + "]" * 16 + "}"),
    "wide": raw("{" + ",".join(f'"k{n}":{n}' for n in range(201)) + "}"),
    "long text": raw('{"a":"' + "x" * 4097 + '"}'),
    "no object": raw("[1]"),
    "null data": raw("null"),
    "base64": raw(data_base64="aGk="),
    "no time": raw().replace(b'"time":"2026-01-01T00:00:00Z",', b""),
    "no such day": raw(time="2026-02-30T00:00:00Z"),
    "leap second": raw(time="2016-12-31T23:59:60Z"),
    "other version": raw(specversion="0.3"),
    "no version": raw().replace(b'"specversion":"1.0"', b'"version":"1.0"'),
    "not UTF-8": raw('{"a":"?"}').replace(b"?", b"\xff"),
    "half a pair": raw('{"a":"?"}').replace(b"?", b"\xed\xa0\x80"),
    "malformed": raw("{,}"),
    "nothing": b"",
    "two": raw() + raw(),
}  # fmt: skip


@pytest.mark.parametrize("value", LEFT_OVER.values(), ids=LEFT_OVER.keys())
def test_left_over(value: bytes) -> None:
    """What a cheap condition cannot prove is left to the long way."""
    assert check(value) is None


def test_neighbours() -> None:
    """What is said of an event does not depend on the events beside it."""
    others = [*USUAL.values(), *LEFT_OVER.values()]
    alone = [check(value) is None for value in others]

    assert alone == [one is None for one in proven_events(others)]


def test_space_is_let_go() -> None:
    """White space between the parts of data goes, that within texts stays."""
    found = check(raw('{ "a b" : "c d" ,\n "e":[ 1 ] }'))
    spaced = check(raw('{ "a b": "c d",\n "e": [ 1 ] }'))

    assert found is None
    assert spaced is not None
    assert b'"data":{"a b":"c d","e":[1]}}' in encode_clean(spaced)


ODD_TEXTS = ["time", "data", '":', "\\", "é", "\x7f", "1" * 39, ""]
ODD_NUMBERS = ["-0", "1e5", "1E-3", "0.0000001", "12345678901234567890", "1" * 39, "0." + "1" * 38, "9e400"]
texts = st.sampled_from(["a", "b", "c", "d e", "f g,h"] * 12 + ODD_TEXTS) | st.text("abcdefé ", max_size=6)
numbers = st.sampled_from(["0", "1", "-1.50", "1.0"] * 8 + ODD_NUMBERS) | st.integers().map(str)
spaces = st.sampled_from(["", "", "", " ", "\n", "\t \r"])


@st.composite
def documents(draw: st.DrawFn, depth: int = 3, kind: str | None = None) -> str:
    """A JSON text, valid but for what the rules of events say: names twice, numbers of any length."""
    kind = draw(
        st.sampled_from(["text", "number", "word", "object", "list"] if depth else ["text", "number"])
    )
    if kind == "text":
        return json.dumps(draw(texts), ensure_ascii=draw(st.booleans()))
    if kind == "number":
        return draw(numbers)
    if kind == "word":
        return draw(st.sampled_from(["true", "false", "null"]))
    parts = [draw(documents(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    gap = [draw(spaces) for _ in range(4)]
    if kind == "list":
        return f"[{gap[0]}{','.join(parts)}{gap[1]}]"
    members = [f"{json.dumps(draw(texts), ensure_ascii=False)}{gap[0]}:{gap[1]}{part}" for part in parts]
    return f"{{{gap[2]}{','.join(members)}{gap[3]}}}"


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """An envelope that may lack members, have some twice, and hold anything."""
    members = [f'"{name}":{json.dumps(value)}' for name, value in HEAD.items()]
    members.append(f'"data":{draw(documents(kind="object"))}')
    strange = st.tuples(
        st.sampled_from([*HEAD, "subject", "retracts", "traceparent", "x", "data_base64"]), documents(1)
    )
    members += [f'"{name}":{value}' for name, value in draw(st.lists(strange, max_size=1))]
    members = draw(st.permutations(members))
    if draw(st.integers(0, 9)) == 7:
        members = members[1:]
    value = f"{{{','.join(members)}}}".encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 4)) == 3:
        place = draw(st.integers(0, len(value)))
        value = value[:place] + draw(st.binary(max_size=2)) + value[place + draw(st.integers(0, 2)) :]
    return value


@given(events(), events())
@example(raw('{"a":1}'), raw(r'{"a":"\u00e9"}'))
def test_never_more_than_the_long_way(value: bytes, other: bytes) -> None:
    """Whatever a sender invents, what is proven is what the long way accepts, with the same content."""
    check(value, other)
