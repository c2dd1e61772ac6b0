"""The classes of an extended model and those of a dataset, matched by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tintbox.checks import is_whole
from tintbox.datasets.reading import dataset_files
from tintbox.errors import TintboxError

Names = Mapping[int, Any] | Sequence[Any]
NAMED = 5  # classes in a message
ONE_CLASS = {0: dataset_files.ONE_CLASS}  # as in training with `single_cls=True`


def fold(name: Any) -> str:
    """Return a class name in the form used for comparison: like Ultralytics, ignoring case and outer spaces."""
    return str(name).strip().lower()


def as_dict(names: Names) -> dict[int, str]:
    """Return class names, which may be a list in a dataset YAML, as index -> name."""
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {int(index): str(name) for index, name in pairs}


def listed(names: Iterable[str]) -> str:
    """Return names joined for a sentence; if there are many, the first few and how many more there are."""
    every = [str(name)[:40] for name in names]
    rest = len(every) - NAMED
    return ", ".join(every if rest <= 1 else [*every[:NAMED], f"{rest} more"])


def match(names: Names, others: Names) -> dict[int, int]:
    """Return index in ``names`` -> index in ``others`` of the same name; for duplicates the first one counts."""
    there: dict[str, int] = {}
    for index, name in as_dict(others).items():
        there.setdefault(fold(name), index)
    return {index: there[fold(name)] for index, name in as_dict(names).items() if fold(name) in there}


@dataclass(frozen=True)
class NewClasses:
    """What a dataset adds to a model.

    Attributes:
        names: The new classes, in the dataset's order.
        indices: Class in the dataset -> its index among the new ones, -1 if left out.
        known: The dataset's classes that the model already has.
    """

    names: tuple[str, ...]
    indices: tuple[int, ...]
    known: tuple[str, ...]

    @classmethod
    def of(cls, old: Names, dataset: Names, chosen: Any = None, data: Any = "the dataset") -> NewClasses:
        """Return what a dataset adds to the classes of a model.

        ``chosen`` is the value of ``classes=``: an index or indices in the dataset; None for all.

        Raises:
            TintboxError: The dataset has a name twice or not all chosen classes, or no new class is left.
        """
        names, wanted = as_dict(dataset), chosen_classes(chosen)
        check_chosen(chosen, names, data)
        folded = [fold(name) for name in names.values()]
        if twice := [name for name in names.values() if folded.count(fold(name)) > 1]:
            raise TintboxError(f"data={data}: '{twice[0]}' is the name of two classes; extend= tells classes by name")
        there = {fold(name) for name in as_dict(old).values()}
        left = {i: n for i, n in names.items() if wanted is None or i in wanted}
        new = [i for i, name in left.items() if fold(name) not in there]
        known = tuple(name for name in left.values() if fold(name) in there)
        if not new:
            what = (
                f"the model knows {listed(known)} already; give a dataset with others, or a model without them"
                if known
                else f"classes={chosen} chooses none; {numbered(names)}"
            )
            raise TintboxError(f"extend: no new class in data={data}: {what}")
        indices = tuple(new.index(i) if i in new else -1 for i in range(max(names) + 1))
        return cls(tuple(names[i] for i in new), indices, known)

    def in_labels(self, arguments: Mapping[str, Any]) -> Collection[int] | None:
        """Return which classes of the label files a run learns, by number; None for all."""
        if arguments.get("single_cls"):  # a class of its own, whatever the label files say
            return chosen_classes(arguments.get("classes"))
        return [i for i, place in enumerate(self.indices) if place >= 0]


def chosen_classes(value: Any) -> Collection[int] | None:
    """Return the indices given by ``classes=``, None for all."""
    if value is None:
        return None
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def check_chosen(value: Any, names: Mapping[int, str], data: Any) -> None:
    """Check that a dataset has the classes given by ``classes=``: Ultralytics ignores others in silence.

    Raises:
        TintboxError: It lacks one.
    """
    for index in chosen_classes(value) or ():
        if not is_whole(index) or index not in names:
            raise TintboxError(f"classes={value}: no class {index} in data={data}; {numbered(names)}")


def numbered(names: Mapping[int, str]) -> str:
    """Return how a dataset's classes are numbered, for a message."""
    return f"its classes are numbered {min(names)} to {max(names)}"
