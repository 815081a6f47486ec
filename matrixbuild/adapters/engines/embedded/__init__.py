"""The embedded engine: recipes of RUN-free Earthly targets in, file trees, reproducible OCI images and artifacts out."""
