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
    {"sequence", "workspace"},
    {"stores"},
    {"manifest"},
    {"png"},
    {"masks", "regions", "protocol", "frames", "config", "timing", "device"},
    {"metrics", "tracker", "datasets", "export"},
    {
        "plugins",
        "run_store",
        "results",
        "pipeline",
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
        "lookup",
        "convert",
        "trained_on",
        "manifests",
        "execution",
        "exchange",
    },
    {
        "evaluation",
        "speed",
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
