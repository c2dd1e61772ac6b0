"""How images are split for cross-validation: number of folds, groups that stay together, and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tintbox.checks import is_whole
from tintbox.errors import TintboxError, counted, list_values
from tintbox.folds import groups, partition
from tintbox.folds.files import Folds
from tintbox.folds.pictures import POOLED, Pictures

WORDS = ("folds", "groups", "fold_seed")  # words of `tintbox study` that are not training arguments


@dataclass(frozen=True)
class Choice:
    """The user's choice.

    Attributes:
        groups: What stays together; see `groups.find`.
        seed: Breaks ties among equally good folds.
    """

    folds: int
    groups: Any = groups.AUTO
    seed: int = 0

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Choice | None:
        """Return the choice in a study's words, None for a study without folds.

        Raises:
            TintboxError: A value is invalid.
        """
        if "folds" not in words:
            for word in WORDS[1:]:
                if word in words:
                    raise TintboxError(f"{word}={words[word]}: it says how folds are made; give folds=5, say")
            return None
        folds, seed = words["folds"], words.get("fold_seed", 0)
        if not is_whole(folds, 2):
            raise TintboxError(f"folds={folds}: give a whole number of 2 or more")
        if not is_whole(seed, 0, 2**32 - 1):
            raise TintboxError(f"fold_seed={seed}: give a whole number of 0 or more")
        together = words.get("groups", groups.AUTO)
        if not (together is None or isinstance(together, (str, bool, int, float))):
            raise TintboxError(f"groups={together}: give a CSV file, {groups.AUTO}, {groups.NAMES} or {groups.NONE}")
        return cls(folds, together, seed)

    def split(self, pictures: Pictures) -> tuple[Folds, list[str]]:
        """Return the folds of the images, and lines of notes for the user.

        Raises:
            TintboxError: There are more folds than images or groups, or the file of groups is invalid.
        """
        files = pictures.files
        if self.folds > len(files):
            fix = "give fewer" if len(files) > 1 else "label more"
            has = f"{pictures.data} has {counted(len(files), 'image')} for training and validation"
            raise TintboxError(f"folds={self.folds}: {has}; {fix}")
        together = groups.find(files, self.groups, self.folds, counts=pictures.counts)
        parts = partition.divide(pictures.counts, together.names, [1 / self.folds] * self.folds, self.seed)
        pooled = " and ".join(
            f"{pictures.splits.count(split)} of {split}" for split in POOLED if split in pictures.splits
        )
        sizes = [int((parts == fold).sum()) for fold in range(self.folds)]
        size = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{sizes[0]}"
        notes = [f"{self.folds} folds of {size} images, from {pooled}; the test split is not touched", together.said]
        notes += warn(pictures, parts, together.names, "fold")
        if pictures.annotated:
            notes.append(f"annotations: of {pictures.data} is not used: the truth of folds is the label files")
        return Folds(files, parts.tolist(), together.names, pictures.splits), notes


def warn(pictures: Pictures, parts: np.ndarray, names: Sequence[str], part: str) -> list[str]:
    """Return a line about the classes whose objects are all in one part, if there are any.

    ``parts`` (P,) are the images' parts, ``names`` their groups; ``part`` is what a part is called.
    """
    whole = partition.find_whole(pictures.counts, parts)
    if not whole:
        return []
    listed = list_values(pictures.kept["names"][index] for index in whole)
    fix = "label more of them" + ", or give groups=none" * (len(set(names)) < len(names))
    return [f"all objects of {listed} are in one {part}, so no model is both trained on them and tested: {fix}"]
