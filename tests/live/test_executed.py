"""What our analysis calls unaffected is so in a real program: the same images, and nothing executed again for files that do not count."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import generated, program, world
from tests.pairs.case import Situation, fresh
from tests.pairs.keys import REFUSED, key

SOAK = bool(os.environ.get("MATRIXBUILD_SOAK"))
SEEDS, MOST = (range(400), 100) if SOAK else (range(8), 4)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.World]:
    found = program.required(buildkit=True)
    scratch = tmp_path_factory.mktemp("live")
    with world.registry(scratch) as registry:
        yield world.World(program=found, registry=registry, scratch=scratch / "world", salt=f"live-{secrets.token_hex(6)}")


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_called_unaffected_is_so(seed: int, live: world.World, tmp_path: Path) -> None:
    base = generated.situation(seed)
    ours, real = key_of(base, tmp_path), live.observe(base, "+main")
    assert (ours == REFUSED) == real.failed, base.files["Earthfile"].text
    if real.failed:
        return
    always = live.observe(base, "+main").ran
    unaffected = [(about, varied) for about, varied in generated.variations(base) if key_of(varied, tmp_path) == ours]
    for about, varied in random.Random(seed).sample(unaffected, min(MOST, len(unaffected))):
        after = live.observe(varied, "+main")
        told = f"{about}, {dict(base.args)}\n{base.files['Earthfile'].text}"
        assert not real.differs(after), told
        if varied.args == base.args:
            assert set(after.ran) <= set(always), told


def key_of(situation: Situation, scratch: Path) -> str:
    checkout = fresh(scratch / "checkout")
    situation.write(checkout, stands_for={})
    return key(checkout, "+main", situation.args, engine="earthly")


def test_most_of_what_is_generated_can_be_told(tmp_path: Path) -> None:
    """Else the law above would say little: most is built, and much of what is varied is called unaffected."""
    keys = {seed: key_of(generated.situation(seed), tmp_path) for seed in range(40)}
    built = [seed for seed, found in keys.items() if found != REFUSED]
    assert len(built) >= 30
    same = [key_of(varied, tmp_path) == keys[seed] for seed in built[:10] for _, varied in generated.variations(generated.situation(seed))]
    assert 0.3 < sum(same) / len(same) < 0.9
