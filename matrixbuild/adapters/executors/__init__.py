"""Where builds run: one file an executor."""
