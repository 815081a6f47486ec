"""What was prepared -> what each build begins with that others begin with too, and the builder that does it for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from matrixbuild.core.build import Build
from matrixbuild.core.routes import routes
from matrixbuild.workflow.planning import Prepared


class Beginnings:
    """Of the builds that are made from narrowed Earthfiles; others share nothing that anybody knows of. All builds of the manifest count, so that a
    build goes where it would go among all of them."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def prefix(self, build: Build) -> str:
        """The same text for builds that begin alike; empty for one that begins as no other does."""
        return self._prefixes.get(build.name, "")

    def builder(self, build: Build) -> int | None:
        """The number of the builder for it, as engine.builders lists them; None where any will do."""
        return self._routes.get(self.prefix(build))

    @cached_property
    def _prefixes(self) -> Mapping[str, str]:
        sharing, narrowed = self._prepared.sharing, self._prepared.narrowed
        if sharing is None or not narrowed.texts:
            return {}
        return {build.name: sharing.prefix(build) for build in self._prepared.builds if narrowed.holds(build)}

    @cached_property
    def _routes(self) -> Mapping[str, int]:
        builders = len(self._prepared.manifest.engine.builders)
        return routes(Counter(prefix for prefix in self._prefixes.values() if prefix), builders) if builders > 1 else {}
