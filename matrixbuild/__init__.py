"""matrixbuild: a declarative build-matrix engine; a manifest becomes builds, pushed images and a lock of their digests."""

__version__ = "0.1.0"
