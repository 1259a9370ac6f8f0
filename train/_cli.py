"""Shared by all commands: flags from dataclasses, presets, stopping, and errors in one sentence."""

import contextlib
import dataclasses
import difflib
import io
import os
import re
import signal
import sys
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from atmodist_core.common.errors import AtmodistWarning, UserError, disk_error_sentence
from atmodist_core.common.settings_values import check_settings_values

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
    """Settings from a preset and flags; the first preset is the default unless there is a ``demo``.

    Dataclasses nested in ``kind`` give flags without a prefix. An unknown flag or preset, or a value that
    does not fit, such as an empty text, NaN or 1e300, is a UserError; ``--help`` exits.
    """
    import tyro

    arguments = [_current_name(argument, flags_of(kind)) for argument in arguments]
    for before, argument in zip(["", *arguments], arguments, strict=False):
        flag, equals, value = (
            argument.partition("=") if argument.startswith("--") else (before, "=", argument)
        )
        if equals and not value.strip():
            raise UserError(
                f"Expected a value after {flag or 'the command'}, found an empty one; give one or leave it out."
            )
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
    check_settings_values(config)
    return config


_RENAMED = {"--lead-step-hours": "--lag-step-hours", "--fields": "--channels"}
"""Flags of earlier versions, and other names of flags."""


def _current_name(argument: str, flags: Sequence[str]) -> str:
    flag, equals, value = argument.partition("=")
    name = flag.replace("_", "-")
    return argument if name in flags else _RENAMED.get(name, flag) + equals + value


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
    """Train with checked settings, print the model's folder, and return the exit code.

    The preset ``smoke`` without data gets synthetic fields. ``start`` returns None when it was stopped.
    """
    from atmodist_core.harmonics import keep_freed_memory
    from atmodist_core.training.data.synthetic import synthetic_fields

    # Every step allocates the same arrays: returned to the system each time, their pages would be cleared again.
    keep_freed_memory()
    synthetic = config.preset == "smoke" and not config.data.data
    folder = start(config, [synthetic_fields()] if synthetic else None)
    if folder is None:
        return EXIT_INTERRUPTED
    if os.environ.get("RANK", "0") == "0":  # torchrun starts several processes; the first one writes
        print(f"The model and its card are in {folder}.")
    return EXIT_OK


def stop_requests(sentence: str) -> Callable[[], bool]:
    """Return a function that says whether Ctrl-C or SIGTERM came; a second one stops at once.

    The sentence is printed at the first one.
    """
    received: list[int] = []

    def receive(number: int, _: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        print(f"\n{sentence}; once more to stop at once.", file=sys.stderr)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, receive)
    return lambda: bool(received)


def run(main: Callable[[Sequence[str]], int], arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: a user's mistake or a full disk becomes one sentence and exit code 2."""
    warnings.showwarning = _show_warning
    try:
        code = main(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("Stopped at once; the last checkpoint is kept.", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as head, has left
        _discard_output()
        code = EXIT_OK
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        _discard_output()
        code = EXIT_USER_ERROR
    raise SystemExit(code)


def _sentence(error: Exception) -> str | None:
    """The message for an error that the user can mend; None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return disk_error_sentence(error)
    if isinstance(error, MemoryError) or re.search(r"allocate memory|out of memory", str(error)):
        return (
            f"Expected settings that fit into memory, found none left ({str(error).partition(chr(10))[0] or type(error).__name__});"
            " lower the batch size, the patch size or the number of filters."
        )
    return None


def _discard_output() -> None:
    """Send what is left in the buffer nowhere: flushing it at the exit would fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_show_other_warning = warnings.showwarning


def _show_warning(message: Any, category: Any, *rest: Any, **named: Any) -> None:
    """Print the project's own warnings as sentences, without the line of code they come from."""
    if issubclass(category, AtmodistWarning):
        print(f"warning: {message}", file=sys.stderr)
    else:
        _show_other_warning(message, category, *rest, **named)
