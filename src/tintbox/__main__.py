"""The `tintbox` command, also as ``python -m tintbox``; this module imports nothing that may be missing."""

from __future__ import annotations

import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path


def main() -> None:
    """Run the command; a broken installation is reported in one line, and `doctor` still runs."""
    words = sys.argv[1:]
    examines = words in (["doctor"], ["doctor", "--verbose"])
    try:
        if examines:
            import tintbox.cli.doctor as doctor  # full path, so that an error names it if it is missing

            with _streams():
                status = doctor.main(verbose=len(words) > 1)
            raise SystemExit(status)
        from tintbox.cli.app import main as command
    except Exception as error:  # noqa: BLE001  whatever an import of a broken module raises
        see = "reinstall it" if examines else "see `tintbox doctor`"
        what = f"{module_of(error)}, {type(error).__name__}: {error}"
        print(f"tintbox: this installation is broken: {what}; {see}", file=sys.stderr)
        raise SystemExit(1) from None
    command()


def _streams() -> AbstractContextManager[None]:
    """Return the context of streams that survive their reader; one that does nothing if its module is broken."""
    try:
        from tintbox.terminal import use_patient_streams
    except Exception:  # noqa: BLE001  the inventory of `doctor` names the module
        return nullcontext()
    return use_patient_streams()


def module_of(error: BaseException) -> str:
    """Return the name of the tintbox module that an error comes from."""
    files = [__file__, *(frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))]
    file = (isinstance(error, SyntaxError) and error.filename) or files[-1]
    parts = Path(file).with_suffix("").parts
    start = max((i for i, part in enumerate(parts) if part == "tintbox"), default=0)
    return ".".join(parts[start:]).removesuffix(".__init__")


if __name__ == "__main__":
    main()
