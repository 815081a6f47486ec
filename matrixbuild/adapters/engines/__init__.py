"""What performs a build: one file an engine."""
