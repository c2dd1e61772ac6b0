"""What one split of a dataset holds."""

from types import SimpleNamespace

import numpy as np
import pytest

from tintbox.errors import TintboxError
from tintbox.recipes import survey
from tintbox.recipes.survey import Split


def split(boxes=(), pictures=(), sizes=(), looks=()):
    labels = SimpleNamespace(boxes=np.array(boxes, float).reshape(-1, 4), pictures=np.array(pictures, int))
    return Split([], np.array(sizes, int).reshape(-1, 2), labels, dict(enumerate(looks)))


def test_the_side_of_a_box_is_a_share_of_its_pictures_longer_side():
    found = split([(0.5, 0.5, 0.25, 0.5), (0.5, 0.5, 1, 1)], [1, 0], [(10, 40), (200, 100)])
    assert found.sides == pytest.approx([50 / 200, (10 * 40) ** 0.5 / 40])


def test_a_picture_that_cannot_be_read_has_no_sides():
    assert split([(0.5, 0.5, 1, 1)], [0], [(0, 0)]).sides.tolist() == []
    assert split().sides.tolist() == []


def test_the_share_of_grey_pictures():
    looks = [SimpleNamespace(is_grey=grey) for grey in (True, False, False, True)]
    assert split(looks=looks).grey == 0.5 and split().grey == 0.0


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_file_that_is_no_picture_has_no_size(tmp_path, content):
    file = tmp_path / "a.png"
    if content is not None:
        file.write_bytes(content)
    assert survey.measure(str(file)) == (0, 0)


def test_keypoints_that_make_no_sense_are_a_mistake_in_a_line(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"")
    data = tmp_path / "pose.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: [a]\nkpt_shape: [2, three]\n")
    with pytest.raises(TintboxError, match=r"pose.yaml: kpt_shape: \[2, 'three'\] is no"):
        survey.take(data)
