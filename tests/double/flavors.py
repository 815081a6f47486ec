"""The two programs: what one prints otherwise than the other, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """`column` is the number of a line's first column; `variables` are the prefixes of environment variables, the one that counts first."""

    name: str
    program: str
    version: str
    sha: str
    banner: str
    docs: str
    home: str
    buildkit: str
    column: int
    variables: tuple[str, ...]
    forces_exit: bool
    """Whether a second signal ends it at once."""

    @property
    def version_words(self) -> str:
        return f"{self.version} {self.sha} linux/amd64; Debian GNU/Linux 12 (bookworm)"

    @property
    def is_earthbuild(self) -> bool:
        return self.name == "earthbuild"


FLAVORS = {
    "earthly": Flavor(
        name="earthly",
        program="earthly",
        version="v0.8.16",
        sha="6e641c15d3b4d7dd396363b61d2381faa2658f3d",
        banner="Earthly Build",
        docs="docs.earthly.dev",
        home=".earthly",
        buildkit="github.com/earthly/buildkit v0.8.16 531b303aa8ec",
        column=0,
        variables=("EARTHLY_",),
        forces_exit=True,
    ),
    "earthbuild": Flavor(
        name="earthbuild",
        program="earth",
        version="v0.8.18",
        sha="b038598631788c3d47ccb74abd53196979f54dd9",
        banner="Earth Build",
        docs="docs.earthbuild.dev",
        home=".earth",
        buildkit="github.com/earthbuild/buildkit v0.8.18 51fe8fb974fd",
        column=1,
        variables=("EARTH_", "EARTHLY_"),
        forces_exit=False,
    ),
}
