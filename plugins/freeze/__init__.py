"""Freeze policies: which parameters train when, at which rate."""
