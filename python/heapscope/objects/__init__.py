"""The object heap from Python: snapshots, sets of objects, growth between moments, the collector.

Nothing is imported here: a program that takes a snapshot loads what the snapshot needs, and what
reads it is loaded after it was taken, so that it is not in its own picture.
"""
