"""Which args the Earthly targets of a call depend on, as they were written and as they are built."""

from __future__ import annotations

from matrixbuild.core.earthfile.analysis import inspect
from matrixbuild.core.earthfile.evaluate import Call, Known, examine
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.core.earthfile.stages import Scopes, recipes, stages
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.reads import Reader

EARTHFILE = """\
VERSION 0.6
FROM alpine:3.20
ARG OS
ARG K8S

common:
    RUN upgrade
    RUN initramfs

tool:
    ARG NAME
    RUN fetch $NAME
    SAVE ARTIFACT /tool

image:
    FROM +common
    COPY (+tool/tool --NAME=one-$K8S) /one
    COPY (+tool/tool --NAME=two) /two
    RUN install $K8S
    SAVE IMAGE image
"""


def test_an_arg_counts_where_it_is_declared_and_where_a_caller_makes_another_of_it() -> None:
    listing = Listing(entries={"Earthfile": Entry(kind=Kind.FILE)})
    call = Call(directory="", target="image", overrides=(("K8S", "1"), ("OS", "x")))
    examined = examine(call, Known(listing=listing, texts={"Earthfile": EARTHFILE}))
    texts: dict[str, str | None] = {"Earthfile": EARTHFILE}
    while isinstance(examined, Wanted):
        texts |= {path: texts.get(path) for path in examined.texts}
        examined = examine(call, Known(listing=listing, texts=texts))
    declared = recipes("", parsed(EARTHFILE, "Earthfile").earthfile)
    narrow = Scopes(everywhere=frozenset({"OS"}), recipes={**declared, ("", "image"): frozenset({"K8S"})})
    wide = Scopes(everywhere=frozenset({"OS", "K8S"}), recipes=declared)
    seen = stages(inspect(examined, Reader(listing)), narrow, wide)
    assert [(each.target, each.turn, sorted(each.narrow - {"NAME"}), sorted(each.wide - {"NAME"}), each.commands) for each in seen if each.commands] == [
        ("+image", 0, ["K8S", "OS"], ["K8S", "OS"], 1),
        ("+common", 0, ["OS"], ["K8S", "OS"], 2),
        ("+tool", 0, ["K8S", "OS"], ["K8S", "OS"], 1),
        ("+tool", 1, ["OS"], ["K8S", "OS"], 1),
    ]
