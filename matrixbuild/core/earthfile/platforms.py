"""The text of a --platform in, the platform out, by the rules of containerd that Earthly uses."""

from __future__ import annotations

from functools import lru_cache

from matrixbuild.core.names import Platform

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "i386": "386", "aarch64": "arm64"}
_KNOWN = frozenset(
    ["386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"]
)
_SYSTEMS = frozenset(
    ["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly", "solaris", "illumos", "plan9", "android", "aix", "js", "wasip1"]
)


@lru_cache(maxsize=256)
def parse_platform(text: str, *, native: Platform, named: bool) -> Platform | None:
    """A platform; None for the empty text (the default). `named`: `native` and `user` mean this machine's.

    Raises ValueError with one sentence.
    """
    if not text:
        return None
    if named and text in ("native", "user"):
        return native
    parts = text.lower().split("/")
    if len(parts) > 3 or not all(part and part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in parts):
        raise ValueError(f"{text!r} is not a platform such as linux/amd64")
    if len(parts) == 1:
        return _from_one_word(text, parts[0], native)
    return normalized(Platform(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) == 3 else ""))


def _from_one_word(text: str, word: str, native: Platform) -> Platform:
    if word in _SYSTEMS:
        return Platform(os=word, architecture=native.architecture)
    architecture = _ARCHITECTURES.get(word, word)
    if architecture not in _KNOWN and architecture not in ("armhf", "armel"):
        raise ValueError(f"{text!r} is neither an operating system nor an architecture; write a platform such as linux/amd64")
    return normalized(Platform(os=native.os, architecture=architecture))


def normalized(platform: Platform) -> Platform:
    """The one way to write a platform: arm64/v8 is arm64, arm is arm/v7, x86_64 is amd64."""
    architecture = _ARCHITECTURES.get(platform.architecture, platform.architecture)
    variant = platform.variant
    match architecture, variant:
        case ("arm64", "8" | "v8") | ("amd64", "v1"):
            variant = ""
        case "arm", "":
            variant = "v7"
        case "arm", ("5" | "6" | "7" | "8"):
            variant = f"v{variant}"
        case "armhf", _:
            architecture, variant = "arm", "v7"
        case "armel", _:
            architecture, variant = "arm", "v6"
        case ("386", _):
            variant = ""
    return Platform(os=platform.os, architecture=architecture, variant=variant)
