"""``python -m tintbox`` is the `tintbox` command."""

from tintbox.cli.app import main

main()
