"""The dataset of a run: described, or rejected in one line."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintbox.colorization import dataset
from tintbox.errors import TintboxError

from .conftest import FUZZ

pytestmark = pytest.mark.attack("colorize inputs")


@pytest.mark.parametrize(
    ("palette", "message"),
    [
        ([1, 2], "palette: list: give a name"),
        (1, "palette: 1: a palette has 2 to"),
        ("horse24", "did you mean 'horses24'"),
        ({"colours": [[0, 0, 0]]}, "palette: dict: a palette of 1 colours"),
        (True, "palette: True: give a name"),
    ],
)
def test_palettes_of_a_dataset(fails, data, tmp_path, palette, message):
    assert message in fails("train", f"data={data(palette=palette)}", *SMALL)
    assert not (tmp_path / "runs").exists()


def test_a_name_that_no_file_can_have():
    for name in ("x" * 300, f"{'x' * 300}.yaml"):
        with pytest.raises(TintboxError, match=name):
            dataset.describe(name, "val")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("\nnames: [a\n", "data.yaml:"),
        ("\nx: &x [*x]\n", "an alias that contains itself"),
        ("\nx: " + "[" * 60 + "]" * 60, "nested more than"),
        ("\n\x00", "no YAML"),
    ],
)
@pytest.mark.parametrize("mode", ["train", "val"])
def test_broken_yaml(fails, data, trained, mode, more, message):
    model = [] if mode == "train" else [f"model={trained}/weights/best.pt"]
    assert message in fails(mode, f"data={data(more)}", "imgsz=32", *model)


SMALL = ("epochs=1", "batch=2", "imgsz=32", "plots=False")
KEYS = st.sampled_from(["path", "train", "val", "test", "names", "nc", "channels", "palette", "x"])
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 10),
        st.floats(),
        st.sampled_from(["train", "val", "train/a.png", "nowhere", "", "../set/train", "\x00", "24", "horses24"]),
        st.text(max_size=5),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=5,
)


@FUZZ
@given(changes=st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_dataset_is_described_or_refused_in_a_line(data, changes):
    file = data(**changes)
    before = file.read_bytes()
    start = time.monotonic()
    try:
        described = dataset.describe(str(file), "val")
        assert described["train"]
    except TintboxError as error:
        assert str(error) and "\n" not in str(error)
    assert time.monotonic() - start < 2
    assert file.read_bytes() == before


@FUZZ
@given(text=st.text(alphabet="[]{}:,-&*!|>'\" \n\tab01.%@", max_size=40))
def test_any_text_is_a_dataset_or_refused_in_a_line(pictures, text):
    file = pictures / "data.yaml"
    file.write_text(text)
    with pytest.raises(TintboxError) as caught:
        dataset.describe(str(file), "val")
    assert "\n" not in str(caught.value)


def test_a_palette_file_is_found_beside_the_dataset(data):
    (data().parent / "mine.yaml").write_text("colours: [[0, 0, 0], [1, 1, 1]]\n")
    assert len(dataset.describe(str(data(palette="mine.yaml")), "val")["palette"]) == 2
