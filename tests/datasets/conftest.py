"""Shared by the dataset tests: isolation from archives of this machine, and sample files."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tintbox.datasets import cifar10_archive


@pytest.fixture(autouse=True)
def _no_source(monkeypatch):
    monkeypatch.delenv(cifar10_archive.SOURCE, raising=False)


def load(folder: Path, pattern: str) -> np.ndarray:
    return np.stack([cv2.imread(str(p))[..., ::-1] for p in sorted(folder.glob(pattern))])


def one_line_error(caught) -> str:
    text = str(caught.value)
    assert "\n" not in text and len(text) < 600
    return text


class Evil:
    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def annotation(*objects) -> str:
    """An annotation like the dataset's; its size is wrong, as in some of them: the picture's own size must be used."""
    parts = [
        f"<object><name>{name}</name><pose>Unspecified</pose><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
        f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in objects
    ]
    return f"<annotation><size><width>0</width><height>0</height></size>{''.join(parts)}</annotation>"
