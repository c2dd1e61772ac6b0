"""Fitted palettes are cached between runs; the cache folder may fail in any way."""

import concurrent.futures
import subprocess
import sys

import pytest
import yaml

from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.palette_cache import fit_palette

RUN = """
import sys, resource
from pathlib import Path
from tintbox.colorization.data import Pictures, image_files
from tintbox.colorization.palette_cache import fit_palette
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
    pictures = Pictures(image_files(images), 32)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        runs = [pool.submit(fit_palette, pictures, 4, 0, 255.0, tmp_path / "kept") for _ in range(40)]
        palettes = [run.result() for run in runs]
    assert all(palette == palettes[0] for palette in palettes)
    assert len(list((tmp_path / "kept").iterdir())) == 1


@pytest.mark.attack("colorize inputs")
def test_a_folder_that_cannot_be_made_is_told_and_passed_over(images, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert len(fit_palette(Pictures(image_files(images), 32), 4, 0, 255.0, tmp_path / "file" / "kept")) == 4
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
    pictures = Pictures(image_files(images), 32)
    first = fit_palette(pictures, 4, 0, 255.0, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert fit_palette(pictures, 4, 0, 255.0, tmp_path) == first
    assert file.read_bytes() == whole
