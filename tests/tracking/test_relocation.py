"""Imports of a package's own modules, rewritten so that the package may lie anywhere."""

from pathlib import Path

import pytest

from vostool.errors import ContractError
from vostool.tracking.relocation import relocated

RENAMED = {"a.mine.box": "a.mine.tracker"}


@pytest.mark.parametrize(
    ("line", "module", "new"),
    [
        ("from a.mine.net import X", "a.mine.box", "from .net import X"),
        ("from a.mine.net import X", "a.mine.deep.net", "from ..net import X"),
        ("from a.mine.deep.net import X", "a.mine.deep.two", "from .net import X"),
        ("from a.mine import net", "a.mine.box", "from . import net"),
        ("from a.mine import net", "a.mine.deep.two", "from .. import net"),
        ("from a.mine.box import X", "a.mine.training", "from .tracker import X"),
        ("from .box import X", "a.mine.training", "from .tracker import X"),
        ("from .net import X", "a.mine.training", "from .net import X"),
        ("from ..shared import X", "a.mine.training", "from a.shared import X"),
        ("from a.mine2.net import X", "a.mine.box", "from a.mine2.net import X"),
        ("from numpy import array as a", "a.mine.box", "from numpy import array as a"),
        ("import a.mine.net as n", "a.mine.box", "from . import net as n"),
        ("import a.shared, numpy as np", "a.mine.box", "import a.shared, numpy as np"),
        ("task = 'a.mine.training:Task'", "a.mine.box", 'task = ".training:Task"'),
        ("def f():\n    from a.mine.net import (\n        X,\n    )", "a.mine.box",
         "def f():\n    from .net import (\n        X,\n    )"),
        ("é = 'é'; from a.mine.net import X  # a.mine.net", "a.mine.box",
         "é = 'é'; from .net import X  # a.mine.net"),
    ],
)  # fmt: skip
def test_lines(line: str, module: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f'"""See a.mine.net."""\r\n{line}\n', newline="")
    expected = f'"""See a.mine.net."""\r\n{new}\n'.encode()
    assert relocated(path, module, "a.mine", RENAMED) == expected


@pytest.mark.parametrize(
    "line",
    [
        "import a.mine.net",
        "import numpy, a.mine.net as n",
        "from a.mine import box",
        "import_module('a.mine.net')",
    ],
)
def test_what_cannot_be_rewritten_is_said_with_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"\n\n{line}\n")
    with pytest.raises(ContractError, match=r"line 3 of .*module\.py"):
        relocated(path, "a.mine.training", "a.mine", RENAMED)
