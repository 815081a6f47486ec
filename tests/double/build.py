"""A request and a daemon -> the build: evaluated, played, saved, and told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from matrixbuild.adapters.engines.embedded.bases import Bases
from matrixbuild.core.earthfile.calls import Call
from matrixbuild.core.earthfile.features import features
from matrixbuild.core.earthfile.versions import version_of
from matrixbuild.core.names import ImageName, Platform
from matrixbuild.core.registry import Registry
from tests.double.connection import Connection
from tests.double.console import Console
from tests.double.evaluated import Evaluated
from tests.double.flavors import Flavor
from tests.double.layer_cache import Cache, Keys
from tests.double.naming import Names
from tests.double.outputs import Outputs
from tests.double.plain_registry import PlainRegistry
from tests.double.playing import Player
from tests.double.records import Records
from tests.double.request import Request
from tests.double.running import Runner
from tests.double.told import Instructions
from tests.double.wording import told as worded


class Build:
    """One build."""

    def __init__(
        self, request: Request, *, flavor: Flavor, told: Instructions, connection: Connection, address: str, console: Console, records: Records
    ) -> None:
        self._request = request
        self._told = told
        self._names = Names(directory=request.directory, called=request.called, flavor=flavor)
        self._connection = connection
        self._address = address
        self._console = console
        self._records = records
        self._registries: dict[str, PlainRegistry] = {}
        self._outputs: Outputs | None = None
        self._player: Player | None = None

    def run(self) -> None:
        """Raises Ended, Cancelled, Unable."""
        self._console.plain("")
        self._console.heading("Build 🔧")
        with tempfile.TemporaryDirectory(prefix="double-") as folder:
            work = Path(folder)
            evaluated = Evaluated(self._call(), bases=Bases(self._locate, work / "layers"), work=work, pretend=self._told.run == "pretend")
            self._player = player = self._playing(evaluated, work)
            player.play()
            if evaluated.error:
                raise worded(evaluated.error, evaluated.recorder.inside, self._request.target, self._names) from evaluated.error
            assert evaluated.evaluation is not None
            player.finish_targets()
            self._outputs = outputs = Outputs(player=player, waits=self._waits(), push_seconds=self._told.push_seconds, registry=self._registry)
            outputs.save(evaluated.evaluation, work)
            self._summary(outputs.told, [name for saved in evaluated.evaluation.images for name in saved.names if saved.push])

    def cancelled(self) -> None:
        """Say what did not come to its end, if the daemon still says so."""
        active = self._player.current if self._player else None
        if active and self._connection.answers:
            active.warn("context canceled")

    def _call(self) -> Call:
        request = self._request
        return Call(
            directory=request.directory, target=request.name, overrides=tuple(request.args.items()), platform=request.platform, native=Platform()
        )

    def _playing(self, evaluated: Evaluated, work: Path) -> Player:
        return Player(
            request=self._request,
            evaluated=evaluated,
            names=self._names,
            console=self._console,
            records=self._records,
            connection=self._connection,
            cache=Cache(self._connection.cache),
            keys=Keys(evaluated.executor, work),
            runner=Runner(told=self._told.runs, secrets=self._request.secrets),
            address=self._address,
        )

    def _waits(self) -> bool:
        file = Path("/", self._request.directory, "Earthfile")
        return features(version_of(file.read_text(), file="Earthfile"), file="Earthfile").wait_block

    def _registry(self, host: str) -> PlainRegistry:
        if host not in self._registries:
            self._registries[host] = PlainRegistry(host, self._told_retry)
        return self._registries[host]

    def _told_retry(self, text: str) -> None:
        if self._outputs:
            self._outputs.say(text)

    def _locate(self, ref: str) -> tuple[Registry, ImageName]:
        name = ImageName.parse(ref)
        return self._registry(name.registry), name

    def _summary(self, told: list[str], images: list[str]) -> None:
        console, request = self._console, self._request
        pushes = [line for line in told if line.startswith("Pushed")]
        console.plain("")
        console.heading(f"Push Summary ⏫{'' if request.push else ' (disabled)'}")
        if not request.push:
            console.plain(f"To enable pushing use {self._names.flavor.program} --push")
            pushes = [f"Did not push image {name}" for name in images] if self._waits() else []
        console.plain("\n".join(pushes))
        console.plain("")
        console.heading(f"Local Output Summary 🎁{'' if request.output else ' (disabled)'}")
        console.plain("\n".join(line for line in told if line.startswith("Artifact")))
        console.plain("")
        console.bar(f"🌍 {self._names.flavor.banner}  ✅ SUCCESS")
