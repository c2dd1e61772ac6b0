"""Build steps that pyproject.toml cannot name: the start-up files by which every Python here knows tintbox.

A wheel and an editable wheel must carry them at the root of site-packages. ``build_py`` copies them for a wheel; an
editable wheel ignores what ``build_py`` writes, so they are added to its unpacked folder as well.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

HERE = Path(__file__).parent
START_UP = ("tintbox_autoload.pth", "tintbox_autoload.start")


def copy_start_up(folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in START_UP:
        shutil.copy2(HERE / "plugins" / name, Path(folder, name))


class BuildPy(build_py):
    def run(self):
        super().run()
        if not self.editable_mode:
            copy_start_up(self.build_lib)

    def get_outputs(self, include_bytecode=True):
        outputs = super().get_outputs(include_bytecode)
        if self.editable_mode:  # `run` wrote none; an editable wheel in strict mode would look for them
            return outputs
        return [*outputs, *(str(Path(self.build_lib, name)) for name in START_UP)]


class EditableWheel(editable_wheel):
    def _run_build_commands(self, dist_name, unpacked_wheel, build_lib, tmp_dir):
        outputs = super()._run_build_commands(dist_name, unpacked_wheel, build_lib, tmp_dir)
        copy_start_up(unpacked_wheel)
        return outputs


setup(cmdclass={"build_py": BuildPy, "editable_wheel": EditableWheel})
