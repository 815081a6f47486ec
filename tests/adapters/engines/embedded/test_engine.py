from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.failure import BuildFailed, FailureKind
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Registry
from tests.adapters.engines.embedded.base_images import layer, put_image

EARTHFILE = """\
VERSION 0.8
FROM scratch

image:
    ARG NAME=none
    COPY overlay/ /
    COPY --if-exists variants/$NAME.conf /etc/variant.conf
    LABEL name=$NAME
    SAVE IMAGE --push reg.test/elsewhere:1

installer:
    COPY overlay /tree
    COPY overlay/etc/one /one
    SAVE ARTIFACT /one build/edge.iso
    SAVE ARTIFACT /tree build/tree

onbase:
    ARG --required BASE
    FROM $BASE
    COPY overlay/etc/one /one

empty:
    ENV A=1

broken:
    COPY nothing /
"""


def checkout(folder: Path, earthfile: str = EARTHFILE) -> Path:
    for path, text in (("Earthfile", earthfile), ("overlay/etc/one", "1\n"), ("overlay/run.sh", "#!\n"), ("variants/a.conf", "a\n")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "overlay/run.sh").chmod(0o755)
    return folder


@pytest.fixture
def registry(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path / "registry")


def once(source: Snapshot) -> Callable[[object], Snapshot]:
    return lambda _: source


def engine(tmp_path: Path, registry: Registry, source: Path | None = None) -> EmbeddedEngine:
    return EmbeddedEngine(
        checkout=once(Snapshot(source or checkout(tmp_path / "source"))),
        locate=lambda ref: (registry, ImageName.parse(ref)),
        registry=lambda _: registry,
        work=tmp_path / "work",
    )


def order(
    target: str,
    *,
    push: str | None = None,
    output: Path = Path("unused"),
    artifacts: Mapping[str, str] | None = None,
    args: Mapping[str, str] | None = None,
) -> Order:
    name = ImageName(registry="reg.test", repository="edge/app", tag=push) if push else None
    key = sha256(b"key")
    return Order(earthly=target, args=tuple((args or {}).items()), key=key, push=name, artifacts=tuple((artifacts or {}).items()), output=output)


def failed(engine: EmbeddedEngine, order: Order) -> tuple[FailureKind, str]:
    with pytest.raises(BuildFailed) as caught:
        engine.build(order)
    return caught.value.failure.kind, str(caught.value.failure)


def test_an_image_is_pushed_to_its_content_tag_with_the_key_in_its_label(tmp_path: Path, registry: OciLayout) -> None:
    made = engine(tmp_path, registry).build(order("+image", push="mb-1", args={"NAME": "a"}))
    assert made.image is not None
    assert made.image.digest == registry.digest("edge/app", "mb-1")
    assert registry.tags("elsewhere") == ()
    stored = registry.manifest("edge/app", "mb-1")
    assert stored is not None
    document = json.loads(stored.data)
    config = json.loads(registry.blob("edge/app", document["config"]["digest"]))
    assert config["config"]["Labels"] == {"name": "a", "dev.matrixbuild.key": sha256(b"key")}
    assert len(document["layers"]) == len(config["rootfs"]["diff_ids"]) == sum(not step.get("empty_layer") for step in config["history"]) == 2
    assert list((tmp_path / "work").glob("build-*")) == []


def test_artifacts_are_written_and_told(tmp_path: Path, registry: OciLayout) -> None:
    output = tmp_path / "out"
    wanted = order("+installer", output=output, artifacts={"/build/*.iso": "edge.iso", "/build/tree": "deep/tree"})
    made = engine(tmp_path, registry).build(wanted)
    one = sha256(b"1\n")
    assert made == Made(image=None, artifacts=(("edge.iso", one, 2), ("deep/tree/etc/one", one, 2), ("deep/tree/run.sh", sha256(b"#!\n"), 3)))
    assert (output / "edge.iso").read_text() == "1\n"
    assert os.access(output / "deep/tree/run.sh", os.X_OK)
    assert engine(tmp_path, registry).build(wanted) == made


def test_an_image_may_stand_on_one_of_a_registry(tmp_path: Path, registry: OciLayout) -> None:
    put_image(registry, "base", "1", [layer({"bin/sh": b"#!"})], config={"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    digest = registry.digest("base", "1")
    made = [engine(tmp_path, registry).build(order("+onbase", push="mb-2", args={"BASE": f"reg.test/base{name}"})) for name in (":1", f"@{digest}")]
    assert made[0].image == made[1].image
    stored = registry.manifest("edge/app", "mb-2")
    assert stored is not None
    assert len(json.loads(stored.data)["layers"]) == 2


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("+empty", FailureKind.PUSH, "the image of +empty has no layers, and such an image cannot be pushed"),
        ("+broken", FailureKind.SYNTAX, "Earthfile:26:5: nothing to copy at /nothing"),
        ("+onbase", FailureKind.SYNTAX, "Earthfile:19:5: the base image reg.test/none:1 is not in its registry"),
    ],
)
def test_what_cannot_be_built_is_a_failure(tmp_path: Path, registry: OciLayout, target: str, kind: FailureKind, message: str) -> None:
    wanted = order(target, push="mb-1", args={"BASE": "reg.test/none:1"})
    assert failed(engine(tmp_path, registry), wanted) == (kind, message)
    assert registry.tags("edge/app") == ()


def test_an_image_without_layers_is_not_tried_again(tmp_path: Path, registry: OciLayout) -> None:
    """Nothing about it would be otherwise."""
    with pytest.raises(BuildFailed) as caught:
        engine(tmp_path, registry).build(order("+empty", push="mb-1"))
    assert caught.value.failure.again is False


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/build/*.raw", "the artifact /build/*.raw matches nothing"),
        ("/build/*", "the artifact /build/* matches 2 paths: /build/edge.iso, /build/tree"),
    ],
)
def test_an_artifact_is_one_path(tmp_path: Path, registry: OciLayout, path: str, message: str) -> None:
    wanted = order("+installer", output=tmp_path / "out", artifacts={path: "x"})
    assert failed(engine(tmp_path, registry), wanted) == (FailureKind.SYNTAX, message)


class Refusing(OciLayout):
    """A registry that takes nothing."""

    def __init__(self, directory: Path, code: str) -> None:
        super().__init__(directory)
        self.code = code

    def put_blob(self, *_: object) -> None:
        raise UnusableError(Problem(summary="reg.test forbids it", hint="log in", code=self.code))


@pytest.mark.parametrize(("code", "kind"), [("auth", FailureKind.AUTH), ("registry", FailureKind.PUSH)])
def test_a_push_that_is_refused_is_told(tmp_path: Path, code: str, kind: FailureKind) -> None:
    assert failed(engine(tmp_path, Refusing(tmp_path / "registry", code)), order("+image", push="mb-1")) == (kind, "reg.test forbids it")


def test_an_artifact_that_cannot_be_written_is_told(tmp_path: Path, registry: OciLayout) -> None:
    (tmp_path / "out").write_text("a file is in the way")
    kind, message = failed(engine(tmp_path, registry), order("+installer", output=tmp_path / "out", artifacts={"/build/tree": "x"}))
    assert (kind, message.startswith("cannot write ")) == (FailureKind.UNKNOWN, True)


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Another umask and another time zone."""
    umask, zone = os.umask(0o077), os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Chatham"
    time.tzset()
    yield
    os.umask(umask)
    os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
    time.tzset()


def test_the_same_sources_give_the_same_digest_anywhere(tmp_path: Path, elsewhere: None) -> None:
    places = [tmp_path / "here", tmp_path / "a longer way" / "there"]
    made = []
    for place in places:
        source = checkout(place / "source")
        for path in source.rglob("*"):
            os.utime(path, (1_000_000_000 + len(str(place)),) * 2)
        made.append(engine(place, OciLayout(place / "registry"), source).build(order("+image", push="mb-1")))
        os.umask(0o002)
    assert made[0] == made[1]


def test_builds_side_by_side_are_each_their_own(tmp_path: Path, registry: OciLayout) -> None:
    put_image(registry, "base", "1", [layer({"bin/sh": b"#!"})])
    found = engine(tmp_path, registry)
    orders = [order("+onbase", push=f"mb-{number}", args={"BASE": "reg.test/base:1"}) for number in range(6)] + [order("+image", push="mb-x")]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(found.build, orders))
    assert len({each.image.digest for each in made if each.image}) == 2
    assert registry.tags("edge/app") == (*(f"mb-{number}" for number in range(6)), "mb-x")
