"""What waits to be refreshed: each series once, in turns, totals apart."""

from services.compute.waiting import Turn, Waiting, places

WINDOWS = {"orders": ("5m", "1h"), "refunds": ("1h",)}
SHOPS = ("orders", ("shop",))


def waiting(**shops: list[str]) -> Waiting:
    """Series by shop of some KPIs, and the total of each."""
    found = Waiting()
    for slug, names in shops.items():
        found.add({(slug, ("shop",)): names, (slug, ()): ["[]"]})
    return found


def test_once() -> None:
    """A series that waits already keeps its place; it is not there twice."""
    found = waiting(orders=['["a"]', '["b"]', '["b"]'])
    found.add({SHOPS: ['["b"]', '["a"]', '["c"]']})

    turn = found.take(WINDOWS, most=100, totals=False)

    assert turn == {SHOPS: ['["a"]', '["b"]', '["c"]']}
    assert found.take(WINDOWS, most=100, totals=False) == {}


def test_totals_apart() -> None:
    """Totals are taken without the series of breakdowns, and the other way round."""
    found = waiting(orders=['["a"]'], refunds=['["a"]'])

    totals = found.take(WINDOWS, most=100, totals=True)

    assert totals == {("orders", ()): ["[]"], ("refunds", ()): ["[]"]}
    assert len(found) == 2


def test_no_more_than_asked() -> None:
    """A turn has as many rows as asked for at most, a row being a window of a series."""
    found = waiting(orders=[f'["{n}"]' for n in range(5)])

    sizes = []
    while turn := found.take(WINDOWS, most=5, totals=False):
        sizes.append(len(list(places(turn, WINDOWS))))

    assert sizes == [4, 4, 2]


def test_one_series_at_least() -> None:
    """A series with more windows than a turn has rows does not wait for ever."""
    found = waiting(orders=['["a"]'])

    assert found.take(WINDOWS, most=1, totals=False) == {SHOPS: ['["a"]']}


def test_in_turns() -> None:
    """A KPI with many series does not keep another waiting."""
    found = waiting(orders=[f'["{n}"]' for n in range(100)], refunds=['["a"]'])

    taken = [slug for _ in range(2) for slug, _ in found.take(WINDOWS, most=10, totals=False)]

    assert taken[:2] == ["orders", "refunds"]
    assert len(found) == 100 - 5 - 4 + 2


def test_places() -> None:
    """A series is a row for each window, with its dimensions sorted by name."""
    turn: Turn = {("orders", ("shop", "channel")): ['["Paris",null]']}

    found = list(places(turn, WINDOWS))

    dimensions = (("channel", None), ("shop", "Paris"))
    assert found == [("orders", "5m", dimensions), ("orders", "1h", dimensions)]
