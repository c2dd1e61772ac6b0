"""The `tintbox` command, also as ``python -m tintbox``: this far it needs nothing that may be missing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; a broken installation is one line, and `doctor` runs all the same."""
    words = sys.argv[1:]
    try:
        if words == ["doctor"]:
            from tintbox.cli import doctor

            raise SystemExit(doctor.main())
        from tintbox.cli.app import main as command
    except Exception as error:  # noqa: BLE001  whatever an import of a broken module raises
        see = "reinstall it" if words == ["doctor"] else "see `tintbox doctor`"
        print(f"tintbox: this installation is broken, {type(error).__name__}: {error}; {see}", file=sys.stderr)
        raise SystemExit(1) from None
    command()


if __name__ == "__main__":
    main()
