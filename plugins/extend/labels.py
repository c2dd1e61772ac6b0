"""The labels of a dataset that a model is extended by, as far as a run needs them before it begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tintbox import label_rows
from tintbox.errors import TintboxError
from tintbox.plugins.extend.classes import NewClasses, listed


def have_box(files: Iterable[str], classes: Collection[int] | None) -> bool:
    """Return whether there is a box of certain classes; files are read in order until one is found.

    Files and rows that cannot be read are passed over: Ultralytics says what is wrong with them.

    Args:
        files: Label files, whether they exist or not.
        classes: The classes by number; None for any.
    """
    for file in files:
        try:
            rows = label_rows.read(file)
        except (OSError, ValueError):
            continue
        for _, words in rows:
            try:
                found = float(words[0])
            except ValueError:
                continue
            if classes is None or found in classes:
                return True
    return False


def no_box(new: NewClasses, data: Any) -> TintboxError:
    """Return the error of a dataset with new classes and no boxes of them to learn from."""
    what = f"no training image of data={data} has a box of {listed(new.names)}"
    return TintboxError(f"extend: {what}; label some, or give another dataset")
