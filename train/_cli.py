"""What the commands share: flags from dataclasses, presets, and errors in one sentence."""

import contextlib
import dataclasses
import difflib
import io
import os
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from atmodist_core.common.errors import UserError

ConfigT = TypeVar("ConfigT")

EXIT_OK, EXIT_USER_ERROR, EXIT_INTERRUPTED = 0, 2, 130

launched_as: str | None = None
"""What the help calls the program when it was started as ``atmodist NAME``."""


def flags_of(kind: type) -> list[str]:
    """All flags of a (nested) dataclass, as ``--some-name``."""
    hints = typing.get_type_hints(kind)
    found: list[str] = []
    for entry in dataclasses.fields(kind):
        hint = hints[entry.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found += flags_of(hint)
        else:
            flag = "--" + entry.name.replace("_", "-")
            found += [flag, f"--no-{flag[2:]}"] if hint is bool else [flag]
    return found


def parse(
    kind: type[ConfigT], presets: Mapping[str, ConfigT], arguments: Sequence[str], program: str
) -> ConfigT:
    """Settings from a preset and flags.

    Parameters
    ----------
    kind
        Frozen dataclass; those nested in it give flags without a prefix.
    presets
        Defaults by name; the first one is used without ``--preset`` unless there is a ``demo``.
    arguments
        Command line without the program's name.
    program
        Name shown in the help, unless the command was started as ``atmodist NAME``.

    Raises
    ------
    UserError
        An unknown flag or preset, or a value that does not fit.
    SystemExit
        After ``--help``.
    """
    import tyro

    name = _preset_name(arguments) or ("demo" if "demo" in presets else next(iter(presets)))
    if name not in presets:
        raise UserError(
            f"Expected --preset {', '.join(presets)}, found {name!r}{_nearest(name, presets) or '.'}"
        )
    known = [*flags_of(kind), "--help", "-h"]
    for argument in arguments:
        flag = argument.split("=", 1)[0].replace("_", "-")
        if flag.startswith("--") and flag not in known:
            raise UserError(f"Expected a known flag, found {flag}{_nearest(flag, known) or '; see --help.'}")
    messages = io.StringIO()
    try:
        with contextlib.redirect_stderr(messages):
            config, rest = tyro.cli(
                kind,
                prog=launched_as or program,
                args=list(arguments),
                default=presets[name],
                return_unknown_args=True,
                config=(tyro.conf.OmitArgPrefixes,),
            )
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise UserError(_condense(messages.getvalue())) from None
    if rest:
        raise UserError(f"Expected only flags and their values, found {rest[0]!r}; see --help.")
    return config


def _preset_name(arguments: Sequence[str]) -> str | None:
    for index, argument in enumerate(arguments):
        if argument == "--preset":
            return arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument.startswith("--preset="):
            return argument.split("=", 1)[1]
    return None


def _nearest(word: str, known: Any) -> str:
    """A suggestion for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _condense(text: str) -> str:
    """The message inside the frame that tyro draws, as one sentence."""
    lines = [re.sub(r"[│╭╮╰╯]", "", line).strip() for line in text.splitlines()]
    body: list[str] = []
    for line in lines[1:]:
        if re.fullmatch(r"[─\s]*", line):
            break
        body.append(line)
    sentence = " ".join(body).strip().rstrip(".")
    return (
        f"Expected a value that fits its flag, found: {sentence}; see --help." if sentence else text.strip()
    )


def train(config: Any, start: Callable[[Any, list[Any] | None], Path | None]) -> int:
    """Run a training whose settings are known, and tell where its model is.

    Parameters
    ----------
    config
        Settings; the preset ``smoke`` without data gets weather that is made up.
    start
        Trains with these settings and sources; returns the model's folder, None when it was stopped.

    Returns
    -------
    int
        Exit code.
    """
    from atmodist_core.harmonics import keep_freed_memory
    from atmodist_core.training.data.synthetic import synthetic_fields

    # Every step asks for the same arrays: handed back to the system each time, their pages would be zeroed anew.
    keep_freed_memory()
    made_up = config.preset == "smoke" and not config.data.data
    folder = start(config, [synthetic_fields()] if made_up else None)
    if folder is None:
        return EXIT_INTERRUPTED
    if os.environ.get("RANK", "0") == "0":  # torchrun starts several processes; the first one writes
        print(f"The model and its card are in {folder}.")
    return EXIT_OK


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a command: a mistake of the user's becomes one sentence and exit code 2."""
    try:
        code = main(sys.argv[1:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("Stopped at once; the last checkpoint is kept.", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as head, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_OK
    raise SystemExit(code)
