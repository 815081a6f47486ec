"""The quick way to the keys of many builds gives what the plain one gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.build_key import Keys, build_key
from matrixbuild.core.demand import need_token
from matrixbuild.core.reading import Reading
from tests.builders import digest

names = st.text(min_size=1, max_size=5)
values = st.one_of(st.text(max_size=8), st.sampled_from(["\udcff", '"\\', f"x {need_token('base', digest('k'))}"]))
args = st.dictionaries(names, values, max_size=4).map(lambda found: tuple(sorted(found.items())))
texts = st.lists(st.sampled_from(["a", "b", "ü"]), max_size=3).map(tuple)
readings = st.builds(
    Reading,
    engine=st.sampled_from(["embedded/1", "earthly/0.8"]),
    commands=st.sampled_from([digest("c"), digest("d")]),
    files=st.dictionaries(names, values, max_size=2).map(lambda found: tuple(found.items())),
    bases=texts,
    secrets=texts,
)


@given(st.lists(st.tuples(readings, args, texts, texts), min_size=1, max_size=4))
def test_keys_are_build_keys(builds: list[tuple[Reading, tuple[tuple[str, str], ...], tuple[str, ...], tuple[str, ...]]]) -> None:
    keys = Keys()
    for reading, passed, needs, artifacts in [*builds, *builds]:
        assert keys.key(reading, passed, needs=needs, artifacts=artifacts) == build_key(
            engine=reading.engine,
            commands=reading.commands,
            args=passed,
            files=reading.files,
            bases=reading.bases,
            needs=needs,
            artifacts=artifacts,
            secrets=reading.secrets,
        )
