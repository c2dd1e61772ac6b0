"""Files that request more memory than is reasonable are refused before they get it."""

import subprocess
import sys
import zipfile

import pytest

MEASURE = """
import resource, sys, time
from ultralytics import YOLO
from tintbox.plugins.anchor import importing, records, conversion, darknet
from tintbox.errors import TintboxError
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
before, start = peak(), time.process_time()
try:
    importing.import_legacy(sys.argv[1], sys.argv[2])
except TintboxError as error:
    print(error)
print(peak() - before, time.process_time() - start)
"""


def huge(tmp_path, save, model, kind):
    """Write a file that requests too much."""
    if kind == "bomb":
        file = save({"model": model}, tmp_path / "old.pt")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("old/data.pkl", "w") as member:
            member.write(b"\x80\x02cmodels.yolo\nModel\n")
            for _ in range(700):
                member.write(b"}" * (1 << 20))
        return file
    if kind == "repeats":
        model.yaml["backbone"][1][1] = 10**7
    elif kind == "widths":
        model.yaml["width_multiple"] = 10
        for row in model.yaml["backbone"]:
            row[3][0] = 60_000
    elif kind == "darknet":
        layer = "[convolutional]\nbatch_normalize=1\nfilters=512\nsize=3\npad=1\nactivation=leaky\n"
        (tmp_path / "old.cfg").write_text("[net]\nchannels=3\n" + layer * 20_000)
        (tmp_path / "old.weights").write_bytes(bytes(1000))
        return tmp_path / "old.weights"
    elif kind == "wide darknet":
        layer = "[convolutional]\nbatch_normalize=1\nfilters=60000\nsize=3\npad=1\nactivation=leaky\n"
        end = "[convolutional]\nfilters=18\nactivation=linear\n[yolo]\nanchors=1,2,3,4,5,6\nclasses=1\n"
        (tmp_path / "old.cfg").write_text("[net]\nchannels=3\n" + layer * 20 + end)
        (tmp_path / "old.weights").write_bytes(bytes(1000))
        return tmp_path / "old.weights"
    return save({"model": model}, tmp_path / "old.pt")


@pytest.mark.attack("files that eat the machine")
@pytest.mark.parametrize("kind", ["bomb", "repeats", "widths", "darknet", "wide darknet"])
def test_no_file_eats_the_machine(classic, tmp_path, kind):
    model, save = classic
    file = huge(tmp_path, save, model, kind)
    command = [sys.executable, "-c", MEASURE, str(file), str(tmp_path / "new.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said, numbers = done.stdout.strip().splitlines()[-2:]
    memory, seconds = map(float, numbers.split())
    assert said.startswith(str(tmp_path)), done.stdout
    assert memory < 500, f"{memory} MB: {said}"
    assert seconds < 10, f"{seconds} s, of which two are meant for a machine that does nothing else: {said}"
