"""The palette that a run uses, and its weights."""

import concurrent.futures
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from tintbox.colorization import data, palette_choice, palette_fit
from tintbox.colorization.palette import Palette
from tintbox.colorization.palette_choice import fit_palette

ARGS = SimpleNamespace(input_scale=256.0, seed=0, temperature=None, rebalance=None)
TWO, THREE = Palette([[0, 0, 0], [1, 1, 1]]), Palette([[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1]])


class Pictures:
    """A black picture and a white one, of 4x4 pixels."""

    def sample(self, count):
        yield from torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None, None].expand(2, 1, 4, 4, 3)


def test_the_user_goes_before_the_checkpoint_and_this_before_the_dataset():
    choose = palette_choice.choose
    assert choose(THREE, TWO, (TWO,), None, ARGS) == THREE.replace(scale=256.0)
    assert choose(None, TWO, (THREE,), None, ARGS) == TWO.replace(scale=256.0)
    assert choose(None, None, (None, THREE.as_dict()), None, ARGS) == THREE.replace(scale=256.0)
    assert choose("horses24", TWO, (THREE,), None, ARGS) == Palette.load("horses24").replace(scale=256.0)


def test_a_scale_that_is_not_given_is_the_palettes():
    given = SimpleNamespace(input_scale=None, seed=0)
    fine = THREE.replace(scale=512.0)
    for asked, own, others in ((fine, TWO, ()), (None, fine, ()), (None, None, (fine.as_dict(),))):
        assert palette_choice.choose(asked, own, others, None, given) == fine


def test_weights_of_another_rebalancing_are_learned_anew():
    weighed = TWO.replace(weights=[0.5, 1.5], rebalance=0.5)
    asked = SimpleNamespace(temperature=0.4, rebalance=0.7)
    assert palette_choice.adjust_for_training(weighed, ARGS) == weighed
    assert palette_choice.adjust_for_training(weighed, asked) == TWO.replace(temperature=0.4, rebalance=0.7)


def test_shares_are_those_of_the_pixels():
    assert THREE.shares(palette_choice.sample(Pictures(), 2)).tolist() == [0.5, 0, 0.5]
    assert [block.shape for block in palette_choice.sample(Pictures(), 2)] == [(1, 2, 2, 3)] * 2


@pytest.mark.parametrize("name", ["horses24", "ab313"])
def test_shares_do_not_depend_on_the_blocks(name):
    pictures = torch.randint(0, 256, (40, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    palette = Palette.load(name)
    assert np.array_equal(palette.shares([pictures]), palette.shares(pictures.split(16)))


RUN = """
import sys, resource
from pathlib import Path
from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.palette_choice import fit_palette
images, folder, limit = sys.argv[1:]
pictures = Pictures(image_files(images), 32)
if int(limit):
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
print(len(fit_palette(pictures, 4, 0, 255.0, Path(folder))))
"""


@pytest.fixture(scope="module")
def images(tiny_data):
    return f"{yaml.safe_load(tiny_data.read_text())['path']}/images/train"


@pytest.mark.attack("kills")
def test_many_fits_at_the_same_time(images, tmp_path):
    pictures = data.Pictures(data.image_files(images), 32)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        runs = [pool.submit(fit_palette, pictures, 4, 0, 255.0, tmp_path / "kept") for _ in range(40)]
        palettes = [run.result() for run in runs]
    assert all(palette == palettes[0] for palette in palettes)
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_the_fit_is_that_of_all_sampled_pixels_at_once(images, tmp_path, monkeypatch):
    pictures = data.Pictures(data.image_files(images), 32)
    monkeypatch.setattr(palette_fit, "PIXELS", 500)
    expected = Palette.fit(torch.cat(list(pictures.sample(palette_choice.FITTED, 1))).numpy(), 4, seed=1)
    monkeypatch.setattr(torch, "cat", None)
    assert fit_palette(pictures, 4, 1, 255.0, tmp_path / "kept") == expected


@pytest.mark.attack("colorize inputs")
def test_a_folder_that_cannot_be_made_is_told_and_passed_over(images, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert len(fit_palette(data.Pictures(data.image_files(images), 32), 4, 0, 255.0, tmp_path / "file" / "kept")) == 4
    assert "is not kept" in caplog.text


@pytest.mark.attack("colorize inputs")
def test_a_full_disk_is_passed_over(images, tmp_path):
    command = [sys.executable, "-c", RUN, images, str(tmp_path / "kept"), "16"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "4", done.stderr
    assert "is not kept" in done.stdout + done.stderr
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.attack("colorize inputs")
@pytest.mark.parametrize("content", [b"", b"colours: [[0, 0", b"\xff\xfe", b"colours: 3"])
def test_a_damaged_file_is_fitted_again(images, tmp_path, content):
    pictures = data.Pictures(data.image_files(images), 32)
    first = fit_palette(pictures, 4, 0, 255.0, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert fit_palette(pictures, 4, 0, 255.0, tmp_path) == first
    assert file.read_bytes() == whole
