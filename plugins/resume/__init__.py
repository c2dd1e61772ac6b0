"""Resuming a run exactly where it stopped, with the same result as an uninterrupted run."""
