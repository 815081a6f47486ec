"""Every page tells the truth: its commands run, its links lead somewhere, and its generated parts are what the program says now."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docs import renew
from docs.capture import capture, shown_text
from tests.checkout import ROOT, environment, project_files, ready_copy
from tests.page_builds import somewhere_to_build
from tests.services import require

PAGES = [path for path in project_files() if path.suffix == ".md" and path.parts[0] != "tests"]
SCHEMAS = [path for path in project_files() if path.parts[0] == "schemas"]
MANIFESTS = [path for path in project_files() if path.parts[0] == "manifests" and len(path.parts) == 2 and path.suffix == ".yaml"]
LANGUAGES = {"console", "sh", "text", "yaml", "json"}

MARKER = r"(?:^<!-- (?P<marker>not run here|needs): (?P<why>.+?) -->\n)?"
FENCE = re.compile(MARKER + r"^(?P<ticks>```+)(?P<language>\S*)\n(?P<body>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\((?P<target>[^)\s]+)\)")
LOOKS_LIKE_A_COMMAND = re.compile(r"(?m)^(?: {4,}|\t)\$? ?(?:matrixbuild|make|git|skopeo|docker|earthly|pip|python) .*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """A block of commands of a page: what it needs beside the program (`earthly`: somewhere to build), or why it is not run; `shown` is what the page
    says that they print, a line each."""

    text: str
    shown: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    not_run: str = ""


def command_blocks(page: str) -> Iterator[Commands]:
    for found in FENCE.finditer(page):
        if found["language"] in ("console", "sh"):
            text = found["body"]
            shown: tuple[str, ...] = ()
            if found["language"] == "console":
                lines = text.splitlines()
                text = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
                shown = tuple(line for line in lines if line and not line.startswith("$ "))
            needs = tuple(found["why"].split(", ")) if found["marker"] == "needs" else ()
            yield Commands(text=text, shown=shown, needs=needs, not_run=found["why"] if found["marker"] == "not run here" else "")


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def shell(copy: Path, commands: str, around: Mapping[str, str] | None = None) -> str:
    """What commands print in a copy; a failure of one of them fails the test."""
    command = ["bash", "-euo", "pipefail", "-c", commands]
    # As wide as what docs.renew writes down.
    env = environment(copy) | {"COLUMNS": "100", "LC_ALL": "C.UTF-8"} | dict(around or {})
    done = subprocess.run(command, cwd=copy, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_blocks_are_found() -> None:
    page = (
        "<!-- needs: skopeo, docker -->\n```sh\na\nb\n```\n\n```console\n$ c\noutput\n$ d\n```\n"
        "<!-- not run here: it is long -->\n```sh\ne\n```\n```yaml\nf: 1\n```\n"
    )
    assert list(command_blocks(page)) == [
        Commands(text="a\nb\n", needs=("skopeo", "docker")),
        Commands(text="c\nd", shown=("output",)),
        Commands(text="e\n", not_run="it is long"),
    ]


def test_all_pages_are_looked_at() -> None:
    assert {Path("README.md"), Path("docs/cli.md"), Path("docs/registries.md"), Path("manifests/quickstart/README.md")} <= set(PAGES)
    assert any(block.needs for page in PAGES for block in command_blocks(text(page)))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_stand_in_blocks_that_say_so(page: Path) -> None:
    """So that none of them escapes the test below."""
    languages = {found["language"] for found in FENCE.finditer(text(page))}
    assert languages <= LANGUAGES
    assert not LOOKS_LIKE_A_COMMAND.findall(FENCE.sub("", text(page)))


@pytest.mark.parametrize("page", [page for page in PAGES if any(not block.not_run for block in command_blocks(text(page)))], ids=str)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    """One after the other, from the root of a fresh copy, as somebody would who reads the page; and they print what the page shows."""
    copy = ready_copy(tmp_path / "copy")
    around: dict[str, str] = {}
    with ExitStack() as held:
        for block in command_blocks(text(page)):
            if block.not_run:
                continue
            for program in set(block.needs) - {"earthly"}:
                require(program)
            if "earthly" in block.needs and not around:
                around |= held.enter_context(somewhere_to_build(tmp_path / "build", tmp_path / "home"))
            printed = shell(copy, block.text, around)
            assert not missing_lines(block.shown, printed), f"{block.text}\n{printed}"


def missing_lines(shown: Sequence[str], printed: str) -> list[str]:
    """Lines that a page shows and nobody printed after those before; `...` stands for any number of lines."""
    lines = iter([masked(line) for line in printed.splitlines()])
    return [line for line in map(masked, shown) if line.strip() != "..." and line not in lines]


def masked(line: str) -> str:
    return re.sub(r"sha256:(?:[0-9a-f]+|\.\.\.)", "sha256:", line).rstrip()


def test_a_line_that_nobody_prints_is_found() -> None:
    assert missing_lines(["a", "  ...", "sha256:..."], "a\nb\nsha256:0a1b\n") == []
    assert missing_lines(["b", "a"], "a\nb\n") == ["a"]


def test_what_the_quickstart_says_is_rebuilt_is_rebuilt(tmp_path: Path) -> None:
    """Each line of its list: `COMMAND   # the N images of ..., N installers`."""
    copy = ready_copy(tmp_path / "copy")
    blocks = command_blocks(text(Path("manifests/quickstart/README.md")))
    lines = [line.split("   #") for block in blocks for line in block.text.splitlines() if "echo '" in line or "chmod" in line]
    assert len(lines) == 4
    shell(copy, "matrixbuild apply manifests/quickstart.yaml")
    for command, claim in lines:
        planned = json.loads(shell(copy, f"{command}\nmatrixbuild plan --format json manifests/quickstart.yaml"))
        rebuilt = Counter(build["name"].partition("[")[0] for build in planned["builds"] if build["action"] == "rebuild")
        claimed = {word: int(number) for number, word in re.findall(r"(\d+) (?:[a-z-]+ )??(image|installer)", claim)}
        assert claimed, claim
        assert rebuilt == Counter(provider=claimed.get("image", 0), installer=claimed.get("installer", 0)), claim
        shell(copy, "git checkout --quiet manifests/quickstart")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    known = {part for path in project_files() for part in (path, *path.parents)}
    for found in LINK.finditer(FENCE.sub("", text(page))):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (ROOT / page.parent / target).resolve() if target else ROOT / page
        assert there.exists(), f"{page}: {found['target']}"
        assert there == ROOT or there.relative_to(ROOT) in known
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{page}: {found['target']}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_named_are_there(page: Path) -> None:
    """`matrixbuild/core/plan.py` in backticks; `<verb>` stands for any name."""
    known = {str(part) for path in project_files() for part in (path, *path.parents)}
    for name in re.findall(r"`((?:matrixbuild|tests|docs|schemas|manifests|benchmarks)/[^`\s]*)`", FENCE.sub("", text(page))):
        form = re.compile(re.sub(r"<\w+>", "[^/]+", name.rstrip("/")).replace("*", "[^/]*"))
        no_file = name == "matrixbuild/v1" or name.endswith(".lock.json")
        assert no_file or any(form.fullmatch(path) for path in known), f"{page}: {name}"


def anchors(page: str) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.+)$", FENCE.sub("", page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ready copy for what changes nothing in it."""
    return ready_copy(tmp_path_factory.mktemp("clone") / "copy")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=str)
def test_every_manifest_is_valid(manifest: Path, clone: Path) -> None:
    done = subprocess.run(
        ["matrixbuild", "validate", str(manifest)], cwd=clone, env=environment(clone), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def wanted() -> dict[Path, str]:
    return dict(renew.generated())


def test_what_is_generated_is_current(wanted: dict[Path, str]) -> None:
    assert set(wanted) == {Path("README.md"), renew.CANVOS, Path("docs/cli.md"), Path("docs/manifest.md"), Path("docs/capture.svg"), renew.PACKED}
    stale = [str(path) for path, page in wanted.items() if not renew.current(path, page)]
    assert not stale, "run `make docs`"


def test_readme_has_its_generated_blocks(wanted: dict[Path, str]) -> None:
    assert re.findall(r"<!-- generated: (\w+) -->", wanted[Path("README.md")]) == ["manifest", "plan"]
    emptied = re.sub(r"(<!-- generated: \w+ -->\n).*?(<!-- end -->)", r"\1\2", wanted[Path("README.md")], flags=re.DOTALL)
    assert "two-node-is-k3s" not in emptied
    assert "after deduplication" not in emptied


def test_a_plan_on_a_page_has_no_digest(wanted: dict[Path, str]) -> None:
    """It changes with any edit of the example, and says nothing to who reads the page."""
    assert renew.masked(f"end\nPlan sha256:{'0a' * 32}\n") == "end\nPlan sha256:...\n"
    assert renew.masked(f"  image sha256:{'0a' * 32}\n") == f"  image sha256:{'0a' * 32}\n"
    assert "\nPlan sha256:...\n" in wanted[Path("README.md")]


def test_the_table_of_rules_has_every_rule_of_the_profile(wanted: dict[Path, str]) -> None:
    declared = re.findall(r"(?m)^    - name: (\S+)$", text(Path("matrixbuild/profiles/canvos.yaml")))
    assert re.findall(r"(?m)^\| (\S+) \| (?:drops|error|warning) \|", wanted[renew.CANVOS]) == declared


def test_the_capture_is_drawn_from_what_was_printed(wanted: dict[Path, str]) -> None:
    shown = shown_text(wanted[Path("docs/capture.svg")])
    for command in renew.SCENE:
        assert f"$ {command}\n" in shown
    assert "files catalog/rke2/1.34.6.yaml" in shown
    assert "http" not in re.sub(r'xmlns="http://www.w3.org/2000/svg"|https://www.textualize.io', "", wanted[Path("docs/capture.svg")])


def test_a_capture_is_current_whatever_the_clock_and_the_order_and_stale_with_other_words() -> None:
    drawn = capture([("run", "[1/2]  built  a  0.10 s\n[2/2]  built  b  0.22 s\n2 built, in 0.3 s\n")])
    again = capture([("run", "[1/2]  built  b  11.31 s\n[2/2]  built  a  0.20 s\n2 built, in 12.4 s\n")])
    other = capture([("run", "[1/2]  built  a  0.10 s\n[2/2]  built  b  0.22 s\n3 built, in 0.3 s\n")])
    assert shown_text(drawn) == "$ run\n2 built, in N s\n"
    assert shown_text(again) == shown_text(drawn)
    assert shown_text(other) != shown_text(drawn)


def test_long_output_is_cut_where_lines_are_alike() -> None:
    lines = "\n".join(f"  + build    image[os={number}]  new" for number in range(9))
    assert renew.folded(f"Builds\n{lines}\n  + build    iso[os=1]  new\n\nend\n") == (
        "Builds\n  + build    image[os=0]  new\n  + build    image[os=1]  new\n  + build    image[os=2]  new\n  + build    image[os=3]  new\n"
        "  ... and 5 more like these\n  + build    iso[os=1]  new\n\nend\n"
    )


def undescribed(schema: Any, path: str, told: frozenset[str] = frozenset()) -> Iterator[str]:
    """The properties, and what else a person can write a value for, that no `description` tells about. `told` are those that the same mapping has
    already described: a part of its schema that only narrows them (`then`, `allOf`) need not do so again."""
    if not isinstance(schema, dict):
        return
    for name, one in schema.get("properties", {}).items():
        if not one.get("description") and name not in told:
            yield f"{path}.{name}"
    told |= schema.get("properties", {}).keys()
    for word in ("properties", "$defs"):
        for name, one in schema.get(word, {}).items():
            if word == "$defs" and not one.get("description"):
                yield f"{path} $defs.{name}"
            yield from undescribed(one, f"{path}.{name}")
    for word in ("additionalProperties", "items", "propertyNames"):
        yield from undescribed(schema.get(word), f"{path} {word}")
    for number, one in enumerate(schema.get("prefixItems", [])):
        yield from undescribed(one, f"{path} prefixItems[{number}]")
    for word, one in _further(schema):
        yield from undescribed(one, f"{path} {word}", told)


def _further(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What else the schema says of the same value."""
    yield from ((word, schema[word]) for word in ("if", "then", "else") if word in schema)
    yield from ((f"{word}[{number}]", one) for word in ("oneOf", "anyOf", "allOf") for number, one in enumerate(schema.get(word, [])))


@pytest.mark.parametrize("path", SCHEMAS, ids=str)
def test_every_property_of_a_schema_is_described(path: Path) -> None:
    schema = json.loads(text(path))
    assert schema["description"]
    assert schema["properties"]
    assert not list(undescribed(schema, path.name))


def test_a_property_without_a_description_is_found() -> None:
    schema = {"properties": {"a": {"items": {"properties": {"b": {"type": "string"}}}, "description": "told"}}, "$defs": {"c": {}}}
    assert list(undescribed(schema, "s")) == ["s.a items.b", "s $defs.c"]


def test_a_property_that_is_only_narrowed_is_described_where_it_stands() -> None:
    described = {"a": {"description": "told", "items": {"properties": {"a": {}}}}}
    narrowed = {"properties": {"a": {"minItems": 1}, "b": {}}}
    assert list(undescribed({"properties": described, "allOf": [{"then": narrowed}]}, "s")) == ["s.a items.a", "s allOf[0] then.b"]
