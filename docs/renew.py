"""Real output of real commands -> the generated parts of the documentation; with --check it only says which of them are not current.

A generated part of a page stands between `<!-- generated: NAME -->` and `<!-- end -->`; docs/cli.md, docs/manifest.md, docs/capture.svg and the
packed form of the profile are generated whole. Everything is run in a copy of the checkout, so nothing of this machine gets into a page.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from docs.capture import CUT, capture, shown_text
from docs.references import cli_reference, manifest_reference, rules_table
from matrixbuild.adapters.profiles import packed_text, profile
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place
from matrixbuild.core.profile import Profile
from tests.checkout import ROOT, environment, ready_copy

MANIFEST = "manifests/quickstart.yaml"
CANVOS = Path("docs/canvos.md")
PACKED = Path("matrixbuild/profiles/canvos.json")
EXCERPT = ("axes", "rules", "targets")
SCENE = {
    "make quickstart": 2,
    "echo '# a note' >> manifests/quickstart/catalog/rke2/1.34.6.yaml": 0,
    ".venv/bin/matrixbuild plan manifests/quickstart.yaml | grep -v '  = '": 5,
}
"""The capture: the first command of a newcomer, then what one changed file comes to; and how many lines of one kind are shown."""

_BLOCK = "<!-- generated: {} -->\n"
_END = "<!-- end -->\n"
_KINDS = {
    "progress": re.compile(r"\[ *\d+/\d+\]"),
    "create": re.compile(r"  \+ create "),
    "move": re.compile(r"  ~ move "),
    "leave": re.compile(r"  = leave "),
    "digest": re.compile(r" +\S+ +sha256:"),
    "repository": re.compile(r"  oci-layout:"),
    "file": re.compile(r"  [^ ]+/[^ ]+$"),
}


def generated() -> Mapping[Path, str]:
    """Every page that has a generated part, as it should be: path relative to ROOT, and text."""
    with tempfile.TemporaryDirectory() as directory:
        copy = ready_copy(Path(directory) / "matrixbuild")
        blocks = {
            "manifest": _fenced("yaml", excerpt((ROOT / MANIFEST).read_text(encoding="utf-8"))),
            "plan": _fenced("console", f"$ matrixbuild plan {MANIFEST}\n{folded(run(f'matrixbuild plan {MANIFEST}', copy))}"),
        }
        pages = {
            Path("README.md"): with_blocks((ROOT / "README.md").read_text(encoding="utf-8"), blocks),
            CANVOS: with_blocks((ROOT / CANVOS).read_text(encoding="utf-8"), {"rules": rules_table(_profile("canvos"))}),
            Path("docs/cli.md"): cli_reference(lambda arguments: run(f"matrixbuild {arguments}", copy)),
            Path("docs/manifest.md"): manifest_reference(run("matrixbuild schema manifest", copy)),
            PACKED: packed_text("canvos"),
        }
        # Last, for it changes a file; and without the commands on PATH, as a newcomer's shell is.
        pages[Path("docs/capture.svg")] = capture([(command, folded(run(command, copy, on_path=False), most)) for command, most in SCENE.items()])
        return pages


def run(command: str, copy: Path, *, on_path: bool = True) -> str:
    """What a shell command prints in the copy, both streams as a terminal shows them."""
    env = environment(copy) | {"COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    if not on_path:
        env["PATH"] = env["PATH"].removeprefix(f"{copy / '.venv/bin'}:")
    done = subprocess.run(["bash", "-c", command], cwd=copy, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docs/renew.py: `{command}` ended with {done.returncode}:\n{done.stdout}")
    return masked(done.stdout)


def masked(output: str) -> str:
    """Without the digest of a plan, which any edit of the example changes."""
    return re.sub(r"(?m)^(Plan sha256:)[0-9a-f]{64}$", r"\1...", output)


def excerpt(manifest: str) -> str:
    """The sections EXCERPT of a manifest's spec, each with the comment above it."""
    sections = re.split(r"(?m)^(?=(?:  #.*\n)*  \w+:)", manifest.partition("\nspec:\n")[2])
    wanted = [section.strip("\n") for section in sections if re.search(rf"(?m)^  (?:{'|'.join(EXCERPT)}):", section)]
    return "spec:\n" + "\n\n".join(wanted) + "\n"


def folded(output: str, most: int = 4) -> str:
    """The output with more than `most` lines of one kind in a row cut short, and the cut marked; other lines are alike up to `[` or `(`."""
    kept: list[str] = []
    alike: list[str] = []
    for line in [*output.splitlines(), ""]:
        if alike and _kind(line) != _kind(alike[0]):
            kept += alike if len(alike) <= most + 1 else [*alike[:most], f"{_margin(alike[0])}{CUT.format(len(alike) - most)}"]
            alike = []
        alike.append(line)
    return "".join(f"{line}\n" for line in kept).rstrip("\n") + "\n" * bool(kept)


def _kind(line: str) -> str:
    return next((kind for kind, form in _KINDS.items() if form.match(line)), None) or re.split(r"[\[(]", line, maxsplit=1)[0]


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def with_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """The page with its generated blocks as given; KeyError where it has one that is not."""

    def block(found: re.Match[str]) -> str:
        return f"{_BLOCK.format(found['name'])}{blocks[found['name']]}{_END}"

    return re.sub(rf"{_BLOCK.format('(?P<name>[a-z]+)')}.*?{_END}", block, page, flags=re.DOTALL)


def current(path: Path, wanted: str) -> bool:
    """Whether a file says what it should; in a capture, how long something took and in which order is not what it says."""
    try:
        there = (ROOT / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return there == wanted if path.suffix != ".svg" else shown_text(there) == shown_text(wanted)


def _profile(name: str) -> Profile:
    return profile(Text(value=name, place=Place(file=name, line=1)))


def _fenced(language: str, text: str) -> str:
    return f"\n```{language}\n{text}```\n\n"


def main(arguments: list[str]) -> int:
    stale = {path: text for path, text in generated().items() if not current(path, text)}
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path} is not current: run `make docs`\n")
        return int(bool(stale))
    for path, text in stale.items():
        (ROOT / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"renewed {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
