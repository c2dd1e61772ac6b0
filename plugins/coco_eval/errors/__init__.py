"""Errors, explained: what each kind costs, and where it happens."""
