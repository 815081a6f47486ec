"""Runs one verb as the command line does, without the boundary that turns errors into exit codes."""

from __future__ import annotations

import argparse
from types import ModuleType


def run_verb(verb: ModuleType, *words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.add_parser(parser.add_subparsers())
    options = parser.parse_args([verb.__name__.rpartition(".")[2], *words])
    return int(options.run(options))
