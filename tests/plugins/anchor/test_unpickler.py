"""The pickle of a classic checkpoint: none of its code runs."""

import os

import pytest
from ultralytics import YOLO

from tintbox.errors import TintboxError
from tintbox.plugins.anchor.importing import import_legacy


class Evil:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_of_the_file_runs(classic, tmp_path, zipped):
    model, save = classic
    content = {"x": Evil(tmp_path / "ran"), "model": model}
    source = save(content, tmp_path / "evil.pt", _use_new_zipfile_serialization=zipped)
    why = rf"names {os.system.__module__}.system, .*nothing was loaded" if zipped else "format of PyTorch before 1.6"
    for load in (YOLO, lambda path: import_legacy(path, tmp_path / "new.pt")):
        with pytest.raises(TintboxError, match=why):
            load(source)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "new.pt").exists()
