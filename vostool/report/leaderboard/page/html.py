"""The leaderboard as one html file that asks nobody for anything.

The page is put together from `page/`: a template, a style sheet and scripts, written into the file
with the data as JSON. What is not needed at once, values per frame and pictures, stands in blocks
of its own, which the scripts decode when somebody looks at them.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

Json = dict[str, Any]

# In the order in which they are written into the page.
_SCRIPTS = (
    "data.js",
    "dom.js",
    "scales.js",
    "card.js",
    "pareto.js",
    "table.js",
    "heatmaps.js",
    "curves.js",
    "viewer.js",
    "main.js",
)


@dataclass
class Page:
    """What the page holds.

    Args:
        about: what is true of all of it: when it was made, by what, and what was left out.
        sections: see `page_data.section_data`.
        blocks: id -> what the scripts decode later: `values-N` for section N, `clip-N`.
    """

    about: Json
    sections: list[Json]
    blocks: dict[str, Json] = field(default_factory=dict)

    def html(self) -> str:
        """Return the file."""
        style, script = _part("leaderboard.css"), "".join(map(_part, _SCRIPTS))
        script = f'"use strict";\n{script}'
        blocks = [block_html("data", {"about": self.about, "sections": self.sections})]
        blocks += [block_html(key, block) for key, block in self.blocks.items()]
        # Nothing else than these two may run or be fetched, whatever stands in the data.
        policy = (
            f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
        )
        parts = {
            "policy": policy,
            "style": f"<style>{style}</style>",
            "data": "\n".join(blocks),
            "script": f"<script>{script}</script>",
        }
        return _filled(_part("leaderboard.html"), parts)


def block_html(key: str, block: Json) -> str:
    """Return a block of data; its text cannot end the element that it stands in."""
    text = json.dumps(block, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{key}">{text}</script>'


def _part(name: str) -> str:
    assets = files("vostool.report.leaderboard.page").joinpath("assets")
    return assets.joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Put parts in place of `{{name}}`; what looks like that inside of a part stays."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
