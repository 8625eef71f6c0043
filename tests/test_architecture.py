"""The house rules that a reviewer would otherwise have to remember."""

import ast
import configparser
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.helpers import rooms

ROOT = Path(__file__).parent.parent
GROUND = {"config", "environment", "geometry", "imports", "workspace", "types", "errors"}


def rules() -> dict[str, set[str]]:
    """Return room -> the rooms that it may import, as docs/architecture.md says."""
    found = {}
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if line.startswith("| `"):
            allowed = cells[2] if len(cells) > 2 else ""
            found[cells[0].strip("`")] = set(re.findall(r"`([\w.]+)`", allowed))
            found[cells[0].strip("`")] |= GROUND if "ground" in allowed else set()
            found[cells[0].strip("`")] |= {"all"} if allowed == "all" else set()
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_rooms_import_what_the_table_says():
    allowed = rules()
    found = {
        room.removeprefix("vostool."): {other.removeprefix("vostool.") for other in others}
        for room, others in rooms.arrows(ROOT).items()
    }
    assert found.keys() == allowed.keys()
    wrong = {
        f"{room} -> {other}"
        for room, others in found.items()
        for other in others - allowed[room]
        if "all" not in allowed[room]
    }
    assert not wrong


def test_the_table_has_no_circle():
    allowed = rules()
    everything = allowed.keys() - {"cli", "commands"}
    graph = {room: everything if "all" in others else others for room, others in allowed.items()}
    rooms.floors(graph)


def test_no_modules_import_each_other():
    files = rooms.modules(ROOT)
    graph = {name: rooms.imported(path, files) & files.keys() for name, path in files.items()}
    rooms.floors({name: others - {name} for name, others in graph.items()})


def test_few_modules_lie_beside_the_packages():
    assert len(list((ROOT / "vostool").glob("*.py"))) <= 12


@pytest.mark.parametrize("path", modules("vostool"), ids=lambda p: str(p.relative_to(ROOT)))
def test_vostool_knows_no_tracker(path):
    assert not {name for name in rooms.imported(path, ()) if name.startswith("vostool_trackers")}


@pytest.mark.parametrize("path", modules("trackers"), ids=lambda p: str(p.relative_to(ROOT)))
def test_trackers_import_absolutely_and_no_other_tracker(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}:{node.lineno}"
    own = path.relative_to(ROOT / "trackers").parts[0]
    for name in rooms.imported(path, ()):
        parts = name.split(".")
        if parts[0] == "vostool_trackers":
            assert parts[1] in (own, "siamese"), name


@pytest.mark.parametrize(
    "path", modules("vostool") + modules("trackers"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350, "is it one idea?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and path.parent.name != "commands":
            doc = ast.get_docstring(node)
            lines = node.end_lineno - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)
            assert lines <= 50, f"{path}: {node.name} has {lines} lines"


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_is_listed():
    listed = set(setup()["options"]["packages"].split())
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in modules("vostool")
        if path.name == "__init__.py"
    }
    there |= {
        ".".join(("vostool_trackers", *path.parent.relative_to(ROOT / "trackers").parts))
        for path in modules("trackers")
        if path.name == "__init__.py"
    }
    assert listed == there


def test_every_tracker_has_an_entry_point_and_a_card():
    points = entry_points(group="vostool.trackers")
    for folder in sorted((ROOT / "trackers").glob("*/tracker.py")):
        name = folder.parent.name
        assert name in points.names
        assert len((folder.parent / "README.md").read_text(encoding="utf-8")) > 400


def test_trackers_is_no_package_of_its_own():
    assert not (ROOT / "trackers" / "__init__.py").exists()
    assert not list((ROOT / "datasets").glob("*.py"))


# What runs code that a file names, and what does only where it is asked to.
PICKLES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
PICKLES |= {"yaml", "jsonpickle", "torch.package", "torch.jit"}
HARMLESS = {"UnpicklingError", "PickleError", "PicklingError"}  # to say what a file is not
UNPICKLE = {"read_pickle", "to_pickle", "eval", "exec", "compile", "__import__", "extractall"}
UNPICKLE |= {f"{each}_object" for each in ("all_gather", "gather", "recv", "send")}
UNPICKLE |= {"broadcast_object_list", "scatter_object_list", "load_state_dict_from_url"}


def unsafe(path: Path) -> list[str]:
    """Return what in a file could run code out of files that it reads, with line numbers."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node, a.name) for a in node.names if a.name in PICKLES]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in PICKLES:
            found += [(node, a.name) for a in node.names if a.name not in HARMLESS]
        elif isinstance(node, ast.Call):
            given = {key.arg: ast.unparse(key.value) for key in node.keywords}
            name = ast.unparse(node.func)
            if name == "torch.load" and given.get("weights_only") != "True":
                found.append((node, "torch.load without weights_only=True"))
            elif given.get("allow_pickle", "False") != "False":
                found.append((node, f"{name} with allow_pickle"))
            elif name in UNPICKLE or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in UNPICKLE - {"eval", "compile"}
            ):
                found.append((node, name))
    return [f"{path.name}:{node.lineno}: {what}" for node, what in found]


@pytest.mark.parametrize(
    "path",
    modules("vostool") + modules("trackers") + modules("examples"),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_files_of_others_run_no_code(path):
    """Checkpoints, results and datasets may come from anybody."""
    assert unsafe(path) == []


def test_what_would_run_code_is_seen(tmp_path):
    file = tmp_path / "bad.py"
    lines = [
        "import pickle",
        "from dill import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "exec(text)",
        "dist.all_gather_object(found, own)",
        "archive.extractall(folder)",
        "import yaml",
    ]
    file.write_text("\n".join(lines))
    seen = sorted(int(found.split(":")[1]) for found in unsafe(file))
    assert seen == list(range(1, 1 + len(lines)))
    file.write_text("torch.load(p, weights_only=True)\nnp.load(p)\nnetwork.eval()\n")
    assert unsafe(file) == []
