"""The house rules that a reviewer would otherwise have to remember."""

import ast
import configparser
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A module imports only from layers to its left (or its own).
LAYERS = [
    {"errors", "provenance"},
    {"sequence", "workers", "workspace"},
    {"store_errors"},
    {"storage"},
    {"listing", "ahead", "store_lock", "manifest"},
    {"png"},
    {"masks", "regions", "protocol", "frames", "config", "timing", "device"},
    {"metrics", "tracker", "datasets", "export"},
    {
        "plugins",
        "run_store",
        "results",
        "pipeline",
        "process_state",
        "shared_frames",
        "predictions",
        "weights",
        "weights_download",
    },
    {
        "jobs",
        "tracking",
        "score_cache",
        "scoring",
        "stability",
        "tables",
        "scored",
        "verification",
        "packing",
        "mask_source",
        "importing",
        "lookup",
        "convert",
        "trained_on",
        "manifests",
        "session",
        "shares",
        "sharing",
        "cluster",
        "executors",
        "shard_folders",
        "gathering",
    },
    {
        "runner",
        "shards",
        "evaluation",
        "speed",
        "together",
        "check",
        "comparison",
        "attributes",
        "training",
        "export_onnx",
        "export_scenes",
    },
    {"bench", "vot"},
    {"campaign"},
    {"report"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the absolute modules a file imports, but for typing."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(child for statement in node.body for child in ast.walk(statement))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module))
    return found


def part(path: Path) -> str:
    """Return the first name below vostool: a module, or a folder of them."""
    return path.relative_to(ROOT / "vostool").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules("vostool"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    if path == ROOT / "vostool" / "__init__.py":
        return
    level = LAYER[part(path)]
    for name in imported(path):
        if name.startswith("vostool_trackers"):
            pytest.fail(f"{path} knows a particular tracker: {name}")
        if name.startswith("vostool."):
            other = name.split(".")[1]
            assert LAYER[other] <= level, f"{path} imports {name}"


@pytest.mark.parametrize("path", modules("trackers"), ids=lambda p: str(p.relative_to(ROOT)))
def test_trackers_import_no_other_tracker(path):
    assert not {name for name in imported(path) if name.startswith("vostool_trackers")}


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
