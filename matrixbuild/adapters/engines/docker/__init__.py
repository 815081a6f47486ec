"""The Docker engine: Dockerfiles in, built by a Docker engine; pushed images out."""
