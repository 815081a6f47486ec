"""Commands and what they printed -> a picture of a terminal, as SVG."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

CUT = "... and {} more like these"
"""What stands for lines that are left out."""

_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, Liberation Mono, monospace"
_NARROWEST = 80
_MASKS = (
    (re.compile(r"\d+\.\d+ s\b"), "N s"),  # how long it took
    (re.compile(r"(?m)^\[ *\d+/\d+\].*\n"), ""),  # which build ended first
)


def capture(scene: Sequence[tuple[str, str]]) -> str:
    """Draw each command behind a prompt, with its output below it; as wide as the longest line."""
    lines = [line for command, output in scene for line in (f"$ {command}", *output.splitlines())]
    console = Console(record=True, file=io.StringIO(), width=max(_NARROWEST, *map(len, lines)), force_terminal=True, color_system="truecolor")
    for number, (command, output) in enumerate(scene):
        console.print(Text.assemble("\n" if number else "", ("$ ", "bold green"), (command, "bold")))
        for line in output.splitlines():
            console.print(Text(line, style="dim italic" if re.fullmatch(CUT.format(r"\d+"), line.strip()) else ""))
    svg = console.export_svg(title="matrixbuild", unique_id="matrixbuild", font_aspect_ratio=0.61)
    # The fonts that rich would load are on a server of others, and an image in a page loads nothing: the reader's own do.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    # Without this some renderers drop the blanks that a line starts with.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    svg = svg.replace("Fira Code, monospace", _FONTS).replace("font-family: arial", f"font-family: {_FONTS}")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def shown_text(svg: str) -> str:
    """What a capture shows, line by line, without what differs from run to run."""
    lines: dict[float, str] = {}
    for y, text in re.findall(r'<text class="matrixbuild-r\d+"[^>]*? y="([\d.]+)"[^>]*>(.*?)</text>', svg):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text)
    shown = "".join(f"{line.replace(chr(0xA0), ' ').rstrip()}\n" for _, line in sorted(lines.items()))
    for mask, instead in _MASKS:
        shown = mask.sub(instead, shown)
    return shown
