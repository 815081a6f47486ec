"""Decides: values in, values out; no file, process, clock, thread or environment."""
