"""Every flag of every command in the texts exists."""

import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from atmodist_studio.command import command_files

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
RECORDS = {"CHANGELOG.md"}


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Script and flags of every command in code or in the comment above a table."""
    parts = re.findall(
        r"```.*?```|`[^`\n]+`|^ {4}.*$|<!-- begin table .*?-->", text, flags=re.DOTALL | re.MULTILINE
    )
    lines = "\n".join(parts).replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        for match in re.finditer(r"(?:python3?|atmodist|torchrun)\b[^|&;#`]*", line):
            script = re.search(r"(?:train|benchmarks)/(?:applications/)?\w+\.py", match[0])
            name = re.match(r"atmodist ([a-z][a-z-]*)", match[0])
            if script or name:
                start = script.end() if script else name.end()
                flags = re.findall(r"(?<=\s)--[a-z][\w-]*", match[0][start:])
                found.append((script[0] if script else script_of(name[1]), flags))
    return found


def script_of(name: str) -> str:
    """File of a command; of the page, and of what is no command, one that does not exist."""
    known = command_files()
    return str(known[name].relative_to(ROOT)) if name in known and name != "app" else f"train/{name}.py"


@cache
def _known(script: str) -> str:
    """What describes the flags of a script: its own help, or the source of a benchmark."""
    if script.startswith("benchmarks/"):
        names = re.findall(r"^    (\w+): |\"--([\w-]+)\"", (ROOT / script).read_text(), flags=re.MULTILINE)
        return " ".join(f"--{(field or flag).replace('_', '-')}" for field, flag in names)
    import contextlib
    import io

    output = io.StringIO()
    module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        module.main(["--help"])
    return output.getvalue()


def test_commands_are_found():
    text = "`python train/gan.py --preset smoke`\n```\ntorchrun --nnodes 2 train/distance.py --data a \\\n  --out b\n```\n"
    assert commands(text) == [("train/gan.py", ["--preset"]), ("train/distance.py", ["--data", "--out"])]
    assert "--lag-pairs" in _known("train/evaluate.py") and "--no-maps" in _known("train/evaluate.py")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_flags_in_texts_exist(text):
    if text.name in RECORDS:
        return
    wrong = []
    for script, flags in commands(text.read_text(encoding="utf-8")):
        if script == "train/app.py":
            continue
        assert (ROOT / script).is_file(), script
        known = _known(script)
        wrong += [f"{script} {flag}" for flag in flags if not re.search(rf"{flag}(?![\w-])", known)]
    assert not wrong
