"""Runs CPython's own tests twice, untracked and recorded, and compares every verdict."""
