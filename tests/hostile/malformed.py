"""A seed -> a manifest that somebody, or something, has spoilt: the same seed, the same bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

MANIFESTS = Path(__file__).parents[2] / "manifests"
MOST_BYTES = 300 * 1024
"""A little more than a manifest may have."""

EVERY_KEY = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: every-key}
x-args: &shared {SHARED: "yes"}
spec:
  source:
    path: CanvOS
    files:
      - {from: canvos-files/}
      - {from: more/, to: etc/more, when: {fips: true}}
      - {to: user-data, secret: EDGE_USER_DATA, version: 3}
  registry: registry.example.com/edge
  vars: {customTag: palette-learn, number: 3, flag: true}
  args: *shared
  axes:
    os:
      - {distribution: ubuntu, versions: ["22.04", "24.04"], args: {BASE_IMAGE: "registry.example.com/base:1"}}
      - {distribution: leap, version: "15.6"}
    kubernetes: [k3s-1.33.10, {value: rke2-1.34.2, args: {CHANNEL: stable}}]
    fips: [false, true]
    arch: [amd64, arm64]
  rules:
    - {name: one, when: {fips: true}, require: {os.version: ["22.04", "24.*"]}, reason: of two}
    - {name: two, exclude: {os: leap-15.6, arch: arm64}, reason: nobody asked}
    - {name: three, deny: {os: leap-15.6, arch: arm64, fips: true}, reason: nobody may}
    - {name: four, warn: {os.version: "<22.04 || 24.x", kubernetes: {not: ["k3s*"]}}, reason: old}
  include:
    - {os: {distribution: ubuntu, version: "20.04"}, kubernetes: k3s-1.33.10, fips: false, arch: amd64}
  targets:
    base:
      axes: [os, arch]
      engine: docker
      docker: {context: base, dockerfile: "{{ os.version }}/Dockerfile", secrets: [token], platform: "linux/{{ arch }}"}
      image: {repository: "{{ registry }}/base", tag: "{{ os }}-{{ arch }}"}
    provider:
      when: {os.distribution: [ubuntu, leap]}
      earthly: +provider-image
      needs: [base]
      args: {OS: "{{ os.distribution }}", BASE: "{{ needs['base'].image }}", NAME: "{{ image.ref }}", TAG: "{{ vars.customTag }}", FLAG: true, N: 3}
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ kubernetes }}{{ '-fips' if fips else '' }}", index: [arch]}
      artifacts: [{path: "/build/*.iso", as: "{{ os }}-{{ kubernetes }}-{{ fips }}-{{ arch }}.iso"}]
      ambient: [HTTP_PROXY, NO_PROXY]
      uses: {add: [CHANNEL], ignore: [N]}
      privileged: true
      keepFiles: true
      resources: {cpu: 1.5, memory: 8Gi, disk: 25Gi, registry-push: 1}
      timeout: 90m
  secrets:
    - {name: token, env: EDGE_TOKEN, version: 2, when: {fips: true}}
    - {name: file, file: a.txt}
    - {name: command, command: [pass, show, edge]}
  engine: {kind: earthly, version: ">=0.8.15 <0.9", program: null, builders: ["tcp://builder:8372"]}
  schedule:
    limits: {cpu: 8, memory: 32Gi, disk: 150Gi, registry-push: 4}
    retry:
      attempts: 3
      on: {network: true, oom: false}
      wait: {initial: 5s, max: 5m}
      budget: 20
      pauseAfter: 5
      patterns: [{match: "mirror is being updated", class: network, retry: true, hint: wait for it}]
    onFailure: {maxFailures: 5}
    silence: 20m
    share: false
  publish: {mode: atomic, tags: immutable}
  network: {insecure: ["127.0.0.1:5000"], ca: [corp.pem], proxy: env}
"""

WITH_PROFILE = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: with-profile}
spec:
  profile: {name: canvos, as: v4.9.38, override: {R04: warn}}
  source: {path: CanvOS}
  registry: registry.example.com/edge
  axes:
    os: [{distribution: ubuntu, versions: ["22.04"]}]
    kubernetes:
      - {distribution: k3s, versions: all}
      - {distribution: rke2, versions: {latest: 3, of: 1.34.x}}
  targets: {iso: false}
  engine: {kind: earthly, image: "registry.example.com/earthly:v0.8.16", cache: 100Gi}
  publish: none
"""

FROM_GIT = """\
extends: common.yaml
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: from-git}
spec:
  profile: canvos
  source: {git: https://git.example.com/CanvOS.git, ref: v4.9.38}
  engine: embedded
"""

COMMON = """\
spec:
  registry: registry.example.com/edge
  axes: {os: [{distribution: rhel, version: "9"}], kubernetes: [{distribution: rke2, versions: [1.34.x]}]}
  rules: [{name: here, warn: {os: rhel-9}, reason: it is no more}]
"""

FILES = {
    "common.yaml": COMMON,
    "CanvOS/Earthfile": "VERSION 0.6\nARG PE_VERSION=v4.9.38\nprovider-image:\n    FROM scratch\n    SAVE IMAGE x\n",
    "CanvOS/k8s_version.json": '{"k3s": ["1.33.10", "1.34.6"], "rke2": ["1.33.10", "1.34.2", "1.34.6", "1.35.1"]}',
    "CanvOS/certs/.gitkeep": "",
    "CanvOS/overlay/files/etc/spectrocloud/custom-hardware-specs-lookup.json": "{}",
    "canvos-files/overlay/files/etc/motd": "edge",
    "more/x": "y",
    "quickstart/Earthfile": "VERSION 0.8\n",
}
"""What the manifests name, so that they are right before they are spoilt: path -> text."""

ODD = (
    *("~", "null", "true", "yes", "0", "-1", "1.30", "1e999", ".inf", ".nan", "2026-11-01", "0x1F", "0b1", "1_000", "''", '""', "''''", " "),
    *("9" * 400, f"0x{'f' * 300}", f"1e{'9' * 300}", "x" * 5000, f'"{"y" * 70_000}"', "[" * 70, "{a: " * 70, "[[[[[1]]]]]", "- " * 90),
    *('"\\0"', '"\\ud800"', '"\\x1b[2J"', '"\\UFFFFFFFF"', "\u202egnp", "\u2028", "日本語", "\x85", "\xa0", "e\u0301" * 40),
    *("*shared", "*nobody", "&a [*a]", "&b {b: *b}", "!!str x", "!!python/object/apply:os.system [id]", "!<tag:x> y", "<<", "<<: {a: b}", "? [a]"),
    *("[", "]", "{", "}", "|", ">", ">-\n  x", "%", "@x", "`x`", "#", "- a", "a: b: c", "'", '"', ",", ":", "--- x", "..."),
    *(
        "{{ os }}",
        "'{{ os'",
        "'{{ 1 / 0 }}'",
        "'{{ \"a\" * 999999999 }}'",
        "'{% for i in range(999999999) %}x{% endfor %}'",
        "'{{ os.__class__.__mro__ }}'",
    ),
    *(
        "'{{ nobody }}'",
        "'{{ none }}'",
        "'{{ 9 ** 9 ** 9 }}'",
        f"'{'{{' * 900}'",
        f"'{'(' * 900}'",
        "'{{ range(10**9)|list }}'",
        "'{% include \"/etc/passwd\" %}'",
    ),
    *(
        "../../../../etc/passwd",
        "/dev/zero",
        "/proc/self/mem",
        "oci-layout:",
        "oci-layout:/",
        "http://x/y",
        "registry.example.com",
        "a" * 300 + "/b",
        ".",
    ),
    *(
        "[true, 1, x, null, {a: b}]",
        "{a: b}",
        "{not: {not: x}}",
        "{latest: 0}",
        "{latest: 99999999999999999999}",
        "{value: [a]}",
        "[a, a]",
        "[]",
        "{}",
    ),
    *(
        ">=1 <0",
        "1.x || *",
        "99999999999999999999.x",
        "1.2.3.4.5.6.7.8.9",
        "(a+)+$",
        "**",
        "[!a",
        "\\",
        "*" * 500,
        "500m",
        "8Qi",
        "-5s",
        "1e9h",
        "999999999999h",
    ),
)


_HEAD = "apiVersion: matrixbuild/v1\nkind: BuildMatrix\nmetadata: {name: a}\nspec:\n  source: {path: CanvOS}\n  registry: r.example/x\n"
_TARGET = "earthly: +t, image: {repository: '{{ registry }}/x', tag: '{{ a }}'}"
_AXES = f"{_HEAD}  targets: {{t: {{{_TARGET}}}}}\n  axes: {{a: "

HUGE = (
    *("[" * 100_000, "{" * 100_000, "- " * 100_000, "? " * 100_000, "[{a: " * 40_000, "a: [" * 60_000),
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    *("a: 1\n" * 45_000, "<<: 1\n" * 40_000, "- !a 1\n" * 35_000, "[" + "*x," * 80_000, "- &x 1\n" * 30_000, "%FOO bar\n" * 28_000 + "---\na: 1\n"),
    *(
        f"a: {'9' * 250_000}\n",
        f"a: 0x{'f' * 250_000}\n",
        f"a: 1e{'9' * 250_000}\n",
        f"{'k' * 250_000}: 1\n",
        "a: |\n" + "  x\n" * 64_000,
        "---\n" * 60_000,
    ),
    _HEAD + "".join(f"  registri{number}: 1\n" for number in range(13_000)),
    f"{_HEAD}  axes: {{a: [b]}}\n  targets: {{t: {{{_TARGET}, needs: [{','.join(str(n) if n % 2 else f'n{n}' for n in range(30_000))}]}}}}\n",
    f"{_AXES}[{','.join(['1'] * 48_000)}]}}\n",
    f"{_AXES}[{','.join(f'v{number}' for number in range(30_000))}]}}\n",
    f"{_AXES}[b, c]}}\n  rules:\n" + "".join(f"  - {{name: r{number}, warn: {{a: b}}, reason: x}}\n" for number in range(5_500)),
    f"{_AXES}[b]{''.join(f', a{n}: [{chr(44).join(map(chr, range(97, 123)))}]' for n in range(40))}}}\n",
)
"""As large as a manifest may be, or a little larger; each of them costs some program seconds, gigabytes or its stack."""


def malformed(seed: int) -> bytes:
    """The text of a manifest with one to four things done to it; below 0, one of HUGE."""
    if seed < 0:
        return HUGE[seed].encode()
    chance = random.Random(seed)
    data = chance.choice(_texts()).encode()
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(SPOILERS)(data, chance)[:MOST_BYTES]
    return data


@cache
def _texts() -> tuple[str, ...]:
    # The one with every key as often as all others together.
    shipped = [path.read_text() for path in sorted(MANIFESTS.glob("*.yaml"))]
    return (*shipped, WITH_PROFILE, FROM_GIT, *[EVERY_KEY] * (len(shipped) + 1))


def _on_lines(change: Callable[[list[str], int, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    """Something done to the lines at one of them."""

    def spoil(data: bytes, chance: random.Random) -> bytes:
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return spoil


def _on_matches(pattern: str, replacement: Callable[[re.Match[str], random.Random], str]) -> Callable[[bytes, random.Random], bytes]:
    """One of the places that a pattern finds replaced."""

    def spoil(data: bytes, chance: random.Random) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        found = list(re.finditer(pattern, text))
        if not found:
            return data
        one = chance.choice(found)
        return (text[: one.start()] + replacement(one, chance) + text[one.end() :]).encode("utf-8", "surrogateescape")

    return spoil


def _flip_bytes(data: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _encode(data: bytes, chance: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode(chance.choice(["utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp037"]), "replace")


def _drop(lines: list[str], at: int, chance: random.Random) -> None:
    del lines[at : at + chance.randint(1, 3)]


def _duplicate(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at:at] = lines[at : at + chance.randint(1, 6)] * chance.choice([1, 1, 2, 2000])


def _swap(lines: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _indent(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = chance.choice([" ", "   ", "\t", "", " " * 200]) + lines[at].lstrip(chance.choice([" ", ""]))


def _insert(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at:at] = [chance.choice(["", "  ", "    "]) + chance.choice([*ODD, "extends: m.yaml", "extends: /dev/zero", "x-mine: 1", "spec:", "---"])]


def _misspell(found: re.Match[str], chance: random.Random) -> str:
    word, at = found.group(), chance.randrange(len(found.group()))
    return chance.choice(
        [word[:at] + word[at + 1 :], word[:at] + word[at] * 2 + word[at + 1 :], word.upper(), word[::-1], f"{word}s", f'"{word}\\n"']
    )


def _odd(_found: re.Match[str], chance: random.Random) -> str:
    return chance.choice(ODD)


def _retype(found: re.Match[str], chance: random.Random) -> str:
    value = found.group(2)
    return found.group(1) + chance.choice(
        [f"[{value}]", f"{{a: {value}}}", f"[[{value}], {value}]", f'"{value}"', "", f"- {value}", f"&x {value}", f"!t {value}"]
    )


SPOILERS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    _flip_bytes,
    _truncate,
    _encode,
    *map(_on_lines, (_drop, _duplicate, _swap, _indent, _insert)),
    *[_on_matches(r"[A-Za-z][\w-]*(?=:)", _misspell)] * 2,
    *[_on_matches(r"(?<=: )[^\s,}\]]+", _odd)] * 4,
    *[_on_matches(r"(: )([^\n,]+)", _retype)] * 2,
    _on_matches(
        r"[\[\]{},:&*\"'\n#|-]", lambda _found, chance: chance.choice(["", ",", ":", "]", "}", "[", "{", '"', "'", "\0", "\r", "\ufeff", "\x07"])
    ),
    _on_matches(r"\{\{ [^}]* \}\}", _odd),
)
