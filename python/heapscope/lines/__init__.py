"""Line profiles: what a function's lines did to memory, and the tables that tell it.

A profile is a list of dicts as ``Capture.line_profile()`` returns it; keys are those of the verb
``lines`` in JSON. What is here runs in the profiled program too, so it imports nothing but the
standard library, and that when it is needed.
"""
