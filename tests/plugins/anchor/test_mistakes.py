"""User errors with anchor models on the command line: one line, and nothing is created."""

import copy
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ultralytics import YOLO
from ultralytics.nn import tasks

from tintbox.errors import TintboxError

EVIL = "__import__('pathlib').Path('evaluated').touch()"
FIELDS = [
    *[(name,) for name in ("nc", "anchors", "activation", "backbone", "head", "scales", "depth_multiple")],
    *[("anchors", 0), ("anchors", 0, 1), ("backbone", 1), ("head", -1), ("head", -1, 3, 0)],
    *[(part, row, column) for part, row in (("backbone", 0), ("backbone", 3), ("head", 0), ("head", -1))
      for column in range(4)],
    *[("backbone", 2, 3, argument) for argument in range(3)],
]  # fmt: skip
ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 7, 10**9, 10**30, float("nan"), float("inf"), "", "3", "nc", "anchors", "Conv",
     "nn.Conv2d", "torch.load", "os.system", "nn.init.zeros_", "nn.SiLU()", "nn.ReLU", EVIL,
     f"nn.SiLU() if {EVIL} else 0",
     [], {}, [EVIL], [[10**9]], [-1, -2], {"n": [EVIL, 1, 1]}, {"n": [1, 1, 64]}]
)  # fmt: skip


@pytest.mark.attack("code in a file")
@settings(max_examples=250, deadline=None, derandomize=True)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), ODD, min_size=1, max_size=2), scale=st.booleans())
def test_no_text_of_a_model_yaml_is_evaluated_and_what_is_wrong_is_one_line(tmp_path_factory, changes, scale):
    spec = copy.deepcopy(describe_tiny())
    for path, value in changes.items():
        place = spec
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (LookupError, TypeError):
            continue  # an earlier change has removed this place
    file = tmp_path_factory.mktemp("odd") / "odd-anchor.yaml"
    file.write_text(yaml.safe_dump(spec))
    evaluated, begun = [], time.monotonic()
    tasks.eval = lambda text, *rest: evaluated.append(text) or eval(text, vars(tasks), *rest)
    try:
        YOLO(file)
    except TintboxError as error:
        assert str(error) and "\n" not in str(error)
    except Exception:  # noqa: BLE001  whatever Ultralytics raises
        assert is_stock(spec), spec  # no longer an anchor model, so Ultralytics reports the error
    finally:
        del tasks.eval
    assert time.monotonic() - begun < 5
    if not is_stock(spec):
        assert all(text in ("nn.SiLU()",) or "model" in text for text in evaluated), evaluated


def is_stock(spec):
    """Return whether the last row of a model YAML is not an anchor head."""
    try:
        return "AnchorDetect" not in str([*spec["backbone"], *spec["head"]][-1][2])
    except (LookupError, TypeError):
        return True


def describe_tiny():
    """The description of a tiny model."""
    return {
        "nc": 3,
        "anchors": [[10, 10, 16, 16], [24, 24, 40, 40]],
        "backbone": [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 16)],
        "head": [[-1, 1, "Conv", [16, 1, 1]], [[2, 4], 1, "AnchorDetect", ["nc", "anchors"]]],
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=yolo11n.yaml", "obj_pos_weight=2"], "obj_pos_weight=2: yolo11n has no anchors"),
        (["model=yolo11n.yaml", "autoanchor=true"], "autoanchor=True: yolo11n has no anchors"),
        (["model=yolov5n-anchor.yaml", "obj_pos_weight=0"], "give a number from 1e-06 to 1,000,000, e.g. 2"),
        (["model=yolov5n-anchor.yaml", "anchor_t=1"], "give a number from 1.0001 to 1,000,000, e.g. 4"),
        (["model=yolov5n-anchor.yaml", "autoanchor=perhaps"], "give true or false"),
        (["model=yolov5n-anchor.yaml", "obj=-1"], "give a number from 0 to 1,000,000, e.g. 1"),
        (["model=yolov5n-anchor.yaml", "cls_pos_weight={persn: 2}"], "did you mean 'person'"),
        (["model=yolov5n-anchr.yaml"], "did you mean 'yolov5-anchor.yaml'"),
    ],
)
def test_arguments(refusal, tmp_path, words, message):
    assert message in refusal("detect", "train", *words, "data=coco8.yaml", "epochs=1", f"project={tmp_path}/runs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("- 10\n", "- -10\n"), "is no width or height"),
        (("- - 10\n", "- - 1\n  - 10\n"), "numbers in the levels"),
        (("anchors:\n", "unused:\n"), "anchors=None: give one list per level"),
    ],
)
def test_anchors(refusal, tmp_path, tiny_model, change, message):
    text = tiny_model.read_text()
    assert change[0] in text
    (tmp_path / "bad.yaml").write_text(text.replace(*change, 1))
    words = ("detect", "train", "model=bad.yaml", "data=coco8.yaml", "epochs=1", f"project={tmp_path}/runs")
    assert message in refusal(*words)


def test_an_imported_model_may_have_the_name_of_the_classic_one(tiny_model, tmp_path):
    YOLO(tiny_model).save(tmp_path / "yolov5n.pt")  # Ultralytics would look for this one as yolov5nu.pt
    assert type(YOLO(tmp_path / "yolov5n.pt").model.model[-1]).__name__ == "AnchorDetect"
