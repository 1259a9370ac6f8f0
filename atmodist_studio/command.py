"""Run ``atmodist COMMAND``: the page, or the command of the same name in the folder ``train``."""

import ast
import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from atmodist_core import __version__
from atmodist_core.common.errors import UserError

_PACKAGE = Path(__file__).resolve().parent
CODE_FOLDER = _PACKAGE if (_PACKAGE / "train").is_dir() else _PACKAGE.parent
"""Folder that holds ``app`` and ``train``: this package in an installed wheel, the clone otherwise."""


def main() -> NoReturn:
    """Run the command that the arguments of this process name, and exit with its code."""
    # First on the path: the names app and train are too general to be looked for anywhere else.
    sys.path.insert(0, str(CODE_FOLDER))
    from train import _cli

    _cli.run(run_command)


def run_command(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str
        Name of the command and its flags; without any, the commands are listed.

    Raises
    ------
    UserError
        For an unknown command, with the nearest known one.
    """
    name = arguments[0].replace("_", "-") if arguments else "--help"
    if name in ("--help", "-h", "help"):
        print(_overview())
        return 0
    if name == "--version":
        print(f"atmodist {__version__}")
        return 0
    known = command_files()
    if name not in known:
        close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "atmodist without arguments lists them."
        raise UserError(f"Expected a command, found {arguments[0]!r}; {hint}")
    from train import _cli

    _cli.launched_as = f"atmodist {name}"
    place = known[name].relative_to(CODE_FOLDER).with_suffix("").parts if name != "app" else ()
    module = import_module(".".join(place) or "atmodist_studio.serve")
    return int(module.main(arguments[1:]))


def command_files() -> dict[str, Path]:
    """Return the file of every command by name: the page, then each public file in ``train``, its ``figures`` and ``applications``."""
    folder = CODE_FOLDER / "train"
    folders = (folder, folder / "figures", folder / "applications")
    files = sorted((file for each in folders for file in each.glob("[!_]*.py")), key=lambda file: file.stem)
    return {"app": _PACKAGE / "serve.py", **{file.stem.replace("_", "-"): file for file in files}}


def _overview() -> str:
    """Every command with the first line of its file, read without importing it."""
    lines = {
        name: (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n", 1)[0]
        for name, file in command_files().items()
    }
    width = max(map(len, lines))
    table = "\n".join(f"  {name:<{width}}  {line}" for name, line in lines.items())
    return f"usage: atmodist COMMAND [flags]     (atmodist COMMAND --help lists the flags)\n\n{table}"
