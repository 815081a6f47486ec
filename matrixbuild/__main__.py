"""`python -m matrixbuild` does what the `matrixbuild` command does."""

from matrixbuild.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
