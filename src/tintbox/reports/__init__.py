"""`tintbox report`: runs of any task compared on one self-contained HTML page."""
