"""Shared fixtures and helpers of the colouriser's tests."""

import csv

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, settings

from tintbox.colorization import nearest
from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError

FUZZ = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="session")
def ab313():
    """The shipped palette ``ab313``."""
    return Palette.load("ab313")


@pytest.fixture(scope="session")
def every_colour():
    """Return a cube of 8-bit colours, including black and white: (N, 3) uint8."""

    def make(step):
        axis = np.append(np.arange(0, 255, step), 255).astype(np.uint8)
        return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)

    return make


@pytest.fixture(scope="session")
def nearest_index():
    """Brute force in float64: the lowest index (...,) of the smallest sum of squares, for values (..., 3)."""

    def find(values, colours):
        flat = np.asarray(values, np.float64).reshape(-1, 3)
        parts = [((flat[i : i + 2000, None] - colours) ** 2).sum(-1).argmin(-1) for i in range(0, len(flat), 2000)]
        return np.concatenate(parts).reshape(np.shape(values)[:-1])

    return find


@pytest.fixture(scope="session")
def assert_nearest(nearest_index):
    """Check that encoding by cells, by a table that is filled on demand and by a full table equals brute force."""

    def check(palette, image):
        reference = nearest_index(image, palette.colours * palette.scale)
        assert image[..., 0].size >= nearest.MANY_PIXELS
        for _ in range(3):
            indices = palette.encode(image)
            np.testing.assert_array_equal(indices, reference)
        assert palette._nearest.table is not None
        assert indices.dtype == (np.uint8 if len(palette) <= 256 else np.int32)

    return check


@pytest.fixture
def folder(tmp_path):
    """A folder of five PNGs of different shapes, each of one colour."""
    for i, shape in enumerate([(32, 32), (40, 60), (90, 30), (16, 16), (33, 31)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((*shape, 3), (i, 10 * i, 20 * i), np.uint8))
    return tmp_path


@pytest.fixture(scope="session")
def one_line_error():
    """Expect that a call raises a TintboxError with a one-line message."""

    def check(match, function, *args, kind=TintboxError, **kwargs):
        with pytest.raises(kind, match=match) as error:
            function(*args, **kwargs)
        assert "\n" not in str(error.value)

    return check


PICTURE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


@pytest.fixture
def pictures(tmp_path):
    """A folder of three training pictures and one validation picture."""
    for name in ("train/a", "train/b", "train/c", "val/a"):
        file = tmp_path / "set" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), PICTURE)
    return tmp_path / "set"


@pytest.fixture
def data(pictures):
    """Return a function that writes a dataset YAML of these pictures with more keys and returns its path."""

    def write(more="", **keys):
        text = yaml.safe_dump({"path": str(pictures), "train": "train", "val": "val", "names": ["thing"], **keys})
        (pictures / "data.yaml").write_text(text + more)
        return pictures / "data.yaml"

    return write


@pytest.fixture
def fails(cli, tmp_path):
    """Run `yolo colorize` (or another task) with arguments that must fail in one line; return that line."""

    def run(*words, task="colorize"):
        code, text = cli(task, *words, f"project={tmp_path}/runs")
        assert code == 1, text
        assert "Traceback" not in text
        line = [line for line in text.splitlines() if line.strip()][-1]
        assert line.startswith("yolo: "), text
        return line

    return run


def rows(run):
    """The lines of a run's results.csv."""
    with (run / "results.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def random_palette(k, seed=0, scale=255.0):
    return Palette(np.random.default_rng(seed).random((k, 3)), scale)
