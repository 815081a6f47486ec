"""`python -m tests.double FLAVOR STATE ...`: the double without its script."""

from __future__ import annotations

import sys

from tests.double.main import main

if __name__ == "__main__":
    sys.exit(main([sys.argv[1], *sys.argv[3:]], state=sys.argv[2], flavor=sys.argv[1]))
