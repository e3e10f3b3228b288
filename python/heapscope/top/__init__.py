"""The full-screen view of a capture: what `heapscope top` shows. Needs the extra ``tui``."""
