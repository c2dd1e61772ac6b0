"""`tintbox study`: runs of `yolo train` over a grid of its arguments, compared."""
