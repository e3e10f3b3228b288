"""Memory over time: what samples a process, the .dat files, and the pictures of them.

`spans` and `decorator` are the profiled program's side and load nothing but the standard library.
"""
