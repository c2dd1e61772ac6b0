"""Resuming a run: exactly where it stopped, and without traces of having stopped."""
