"""The text of the function that runs all selectors over a batch; it runs nothing.

Selectors with the same filter form a group: its filter is tested once per event. A field is read where it
serves all its readers: per event if several groups need it, else within the group.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.domain.expressions.emitting import Emitter
from shared.domain.expressions.nodes import Node, Path, paths_in
from shared.domain.expressions.parsed import Filter, Value

Pair = tuple[Filter | None, Value | None]


@dataclass(frozen=True, slots=True)
class Output:
    """One distinct pair of filter and value, and the number of its lists in the generated function."""

    number: int
    value: Value | None


@dataclass(frozen=True, slots=True)
class Group:
    """The outputs that share a filter."""

    number: int
    where: Filter | None
    outputs: tuple[Output, ...]

    def paths(self) -> dict[Path, None]:
        """What the group reads, in order."""
        return _paths([self.where, *(output.value for output in self.outputs)])


def groups_of(pairs: Sequence[Pair]) -> tuple[Group, ...]:
    """Distinct *pairs*, which are numbered by position, by their filters."""
    by_filter: dict[Filter | None, list[Output]] = {}
    for number, (where, value) in enumerate(pairs):
        by_filter.setdefault(where, []).append(Output(number, value))
    return tuple(
        Group(number, where, tuple(outputs)) for number, (where, outputs) in enumerate(by_filter.items())
    )


def select_text(pairs: Sequence[Pair]) -> list[str]:
    """The lines of a module with the function `select(datas, heads)`.

    It returns a tuple of rows, values (or None) and failures for each of *pairs*, which are distinct.
    """
    return _Writer(groups_of(pairs)).lines()


class _Writer:
    """Writes the function of some groups."""

    def __init__(self, groups: tuple[Group, ...]) -> None:
        self._groups = groups
        read = [path for group in groups for path in group.paths()]
        self._names = {path: f"p{number}" for number, path in enumerate(dict.fromkeys(read))}
        self._shared = {path: None for path in self._names if read.count(path) > 1}
        self._emitter = Emitter(self._names.__getitem__)

    def lines(self) -> list[str]:
        body = [line for group in self._groups for line in self._group(group)]
        reads_heads = any(path.root != "data" for path in self._names)
        loop = [
            "for i, d in enumerate(datas):",
            *_indented(["h = heads[i]"] if reads_heads else []),
            *_indented(self._reads(self._shared)),
            *_indented(body),
        ]
        function = [*self._start(), *(loop if self._groups else []), f"return [{', '.join(self._results())}]"]
        return [*self._emitter.definitions, "def select(datas, heads):", *_indented(function)]

    def _start(self) -> Iterator[str]:
        for group in self._groups:
            yield f"e{group.number} = 0"
            for output in group.outputs:
                yield f"x{output.number} = 0"
                yield f"r{output.number} = []"
                yield f"row{output.number} = r{output.number}.append"
                if output.value is not None:
                    yield f"v{output.number} = []"
                    yield f"put{output.number} = v{output.number}.append"

    def _results(self) -> Iterator[str]:
        results = {
            output.number: f"(r{output.number}, {f'v{output.number}' if output.value else None}, "
            f"e{group.number} + x{output.number})"
            for group in self._groups
            for output in group.outputs
        }
        return iter(results[number] for number in sorted(results))

    def _group(self, group: Group) -> list[str]:
        tested = {path: None for path in _paths([group.where]) if path not in self._shared}
        left = {path: None for path in group.paths() if path not in self._shared and path not in tested}
        takes = [*self._reads(left), *(line for output in group.outputs for line in self._take(output))]
        if group.where is None:
            return [*self._reads(tested), *takes]
        return [
            *self._reads(tested),
            "try:",
            f"    passes = {self._emitter.condition(group.where.tree)}",
            "except FAILURES:",
            f"    e{group.number} += 1",
            "else:",
            "    if passes:",
            *_indented(_indented(takes)),
        ]

    def _take(self, output: Output) -> list[str]:
        number = output.number
        if output.value is None:
            return [f"row{number}(i)"]
        tree, classes = output.value.tree, _SCALARS if output.value.is_scalar else _NUMBERS
        if isinstance(tree, Path):
            return _kept(self._names[tree], number, classes)
        return [
            "try:",
            f"    x = {self._emitter.text(tree)}",
            "except FAILURES:",
            f"    x{number} += 1",
            "else:",
            *_indented(_kept("x", number, classes)),
        ]

    def _reads(self, paths: Iterable[Path]) -> list[str]:
        return [line for path in paths for line in _read(path, self._names[path])]


def _read(path: Path, name: str) -> list[str]:
    """Puts a field into a local, or MISSING."""
    if path.root != "data":
        return [f"{name} = h.{path.root}", f"if {name} is None: {name} = MISSING"]
    if len(path.keys) == 1:
        return [f"{name} = d.get({path.keys[0]!r}, MISSING)"]
    steps = "".join(f"[{key!r}]" for key in path.keys)
    return ["try:", f"    {name} = d{steps}", "except FAILURES:", f"    {name} = MISSING"]


_NUMBERS = ("int", "float", "Decimal")
_SCALARS = ("str", *_NUMBERS, "bool")


def _kept(name: str, number: int, classes: Iterable[str]) -> list[str]:
    """Keeps what is of one of *classes*, leaves a null out, and counts anything else as failed."""
    return [
        f"c = {name}.__class__",
        f"if {' or '.join(f'c is {each}' for each in classes)}:",
        f"    row{number}(i)",
        f"    put{number}({name})",
        f"elif {name} is not None:",
        f"    x{number} += 1",
    ]


def _paths(parts: Iterable[Filter | Value | None]) -> dict[Path, None]:
    trees: list[Node] = [part.tree for part in parts if part is not None]
    return dict.fromkeys(path for tree in trees for path in paths_in(tree))


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
