"""Palettes in files."""

import numpy as np
import pytest
import yaml

from tintbox.colorization.palette import Palette
from tintbox.errors import TintboxError, TintboxFileError

RNG = np.random.default_rng(0)
THREE = [[0.0, 0.0, 0.0], [0.5, 0.25, 1.0], [1.0, 1.0, 1.0]]


def test_save_and_load_keep_every_bit(tmp_path):
    colours = np.concatenate([RNG.random((20, 3)), [[1e-05, 1e-300, 0.1], [1.0, 0.0, 1 / 3]]])
    palette = Palette(colours, 256.0)
    file = tmp_path / "new" / "mine.yaml"
    palette.save(file)
    assert Palette.load(file) == palette
    assert Palette.load(str(file)).colours.tobytes() == colours.tobytes()
    assert file.read_text(encoding="utf-8").startswith("# A colour palette")


def test_scale_may_be_left_out(tmp_path):
    file = tmp_path / "two.yml"
    file.write_text("colours:\n- [0, 0, 0]\n- [1, 1, 1]\n")
    assert Palette.load(file) == Palette([[0, 0, 0], [1, 1, 1]], 255.0)


def test_horses24(shared_data):
    palette = Palette.load("horses24")
    assert palette.scale == 256.0
    np.testing.assert_array_equal(palette.colours, np.loadtxt(shared_data / "palette24.csv", delimiter=",", skiprows=1))


def test_load_unknown_names(one_line_error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hint = r"^palette 'horse24': .*\(ab313, horses24.*did you mean 'horses24'\?"
    one_line_error(hint, Palette.load, "horse24", kind=TintboxFileError)
    one_line_error("^palette 'zzz': no such name", Palette.load, "zzz", kind=TintboxFileError)
    one_line_error("^palette 'none.yaml': no such file", Palette.load, "none.yaml", kind=TintboxFileError)
    one_line_error("no such file", Palette.load, f"{'x' * 300}.yaml", kind=TintboxFileError)
    Palette(THREE).save(tmp_path / "mine.yaml")
    one_line_error("did you mean 'mine.yaml'", Palette.load, tmp_path / "mime.yaml", kind=TintboxFileError)
    one_line_error("^palette path 'mine.txt': give it the suffix", Palette(THREE).save, "mine.txt")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("colours: [[0, 0, 0]]", "a palette of 1 colours"),
        ("colours: [[0, 0, 0], [.nan, 0, 0]]", "colour 1 is"),
        ("colours: [[0, 0, 0], [255, 0, 0]]", "colour 1 is .* give numbers in"),
        ("colours: [[0, 0, 0], [1, 0]]", "colours are not K x 3"),
        ("colours: [0, 0, 0]", "colours have shape"),
        ("colours: red", "colours are not K x 3"),
        ("colours: [[0, 0, 0], [1, 1, 1]]\nscale: big", "scale='big'"),
        ("colours: [[0, 0, 0], [1, 1, 1]]\nscal: 256", "unknown key 'scal'.*did you mean 'scale'"),
        ("colors: [[0, 0, 0], [1, 1, 1]]", "no 'colours' key"),
        ("", "no 'colours' key"),
        ("- 1", "no 'colours' key"),
        ("colours: [[0, 0, 0], [1, 1", "."),
    ],
)
def test_load_bad_files(one_line_error, tmp_path, text, match):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    one_line_error(f"^palette file '.*bad.yaml': .*{match}", Palette.load, file)


def test_load_unreadable_bytes(one_line_error, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_bytes(b"\xff\xfe\x00colours")
    one_line_error("^palette file '.*bad.yaml': ", Palette.load, file)


def test_saved_file_is_plain_yaml(tmp_path):
    Palette(THREE).save(tmp_path / "a.yaml")
    assert yaml.safe_load((tmp_path / "a.yaml").read_text()) == {"colours": THREE, "scale": 255.0}


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "colours: [" + "[0, 0, 0], " * 70_000 + "]",
            r"x.yaml': more than 100,000 values",
        ),
        ("colours: [" + "[0, 0, 1], " * 5_000 + "]", r"x.yaml': a palette of 5,000 colours; 4,096 are the most$"),
        ("bins: [" + "[0, 1], " * 2_000 + "]", r"x.yaml': a palette of 2,000 colours; 1,024 are the most$"),
        ("a: &a [0, 0, 0]\ncolours: [" + "*a, " * 60_000 + "]", r"x.yaml': more than 100,000 values, aliases put in"),
        (f"colours: [[0, 0, 0], [1, 1, 1]]\nscale: 1{'0' * 320}", "scale=1.*; give a positive number"),
        (f"colours: [[0, 0, 0], [1, 1, 1{'0' * 320}]]", "colours are not K x 3 numbers"),
        ("colours: !!python/object/apply:os.system [touch ran]", r"no YAML \(could not determine a constructor"),
    ],
    ids=["70000", "5000", "bins", "aliases", "scale", "number", "code"],
)
def test_palette_files_that_are_refused(tmp_path, text, message):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(TintboxError, match=message) as error:
        Palette.load(tmp_path / "x.yaml")
    assert "\n" not in str(error.value)
