"""Simulate a member of the demo atmosphere.

python train/simulate.py --preset demo --seed 1 --days 30 --out data/member-1 [--resume] [any field as a flag]
python train/simulate.py --nudge-from data/member-1 --nudged-members 8 --nudged-days 2 --out data/nudged [--resume]

The second form continues a simulation together with members whose large scales are nudged to it.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from atmodist_core.simulation.configuration import SimulationConfig
from atmodist_core.simulation.nudging import NudgingConfig
from train import _cli


@dataclasses.dataclass(frozen=True)
class SimulateCommand:
    """The member, its store, and the device."""

    preset: str = "demo"
    """Name of the preset the settings started from."""
    out: Path = Path("data/member")
    """Folder of the store; atmodist_core.open_fields opens it."""
    resume: bool = False
    """Continue from the checkpoint in --out; the result is bitwise the same."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto takes a GPU when there is one."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    progress: bool = True
    """Show a progress bar."""
    member: SimulationConfig = SimulationConfig()
    """The member."""
    nudging: NudgingConfig = NudgingConfig()
    """Members nudged to another one."""


def presets() -> dict[str, SimulateCommand]:
    """The presets of the library, as commands."""
    from atmodist_core.simulation.presets import PRESETS

    return {name: SimulateCommand(preset=name, member=member) for name, member in PRESETS.items()}


class DayBars:
    """A progress bar for each stage of a run, in simulated days.

    Parameters
    ----------
    shown : bool
        Whether anything is written.
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bars: dict[str, Any] = {}

    def report(self, stage: str, done: float, total: float) -> None:
        """Show the days done of a stage; days of an earlier run do not count for the time left."""
        from tqdm import tqdm

        if stage not in self._bars:
            self._bars[stage] = tqdm(
                total=round(total, 3),
                initial=done,
                desc=stage,
                unit="d",
                disable=not self._shown,
                mininterval=1.0 if sys.stderr.isatty() else 60.0,
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} days "
                "[{elapsed}<{remaining}, {rate_fmt}]",
            )
        self._bars[stage].update(done - self._bars[stage].n)

    def close(self) -> None:
        """End all bars."""
        for bar in self._bars.values():
            bar.close()


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(SimulateCommand, presets(), arguments, "python train/simulate.py")
    import torch

    from atmodist_core.simulation.nudged_run import run_nudged_simulation
    from atmodist_core.simulation.run import run_simulation

    nudged = command.nudging.nudge_from is not None
    if nudged and command.member != presets()[command.preset].member:
        raise UserError(
            "Expected no settings of a simulation beside --nudge-from, whose simulation has its own; leave them out."
        )
    if not nudged and command.nudging != NudgingConfig():
        raise UserError("Expected --nudge-from with settings of nudged members, found none; give its folder.")
    if command.threads:
        torch.set_num_threads(command.threads)
    if command.device == "cuda" and not torch.cuda.is_available():
        raise UserError("Expected a CUDA device for --device cuda, found none; take --device cpu or auto.")
    device = "cuda" if command.device != "cpu" and torch.cuda.is_available() else "cpu"

    # The run looks after each checkpoint, so a first Ctrl-C loses nothing.
    stopping = _cli.stop_requests("Stopping at the next checkpoint")
    bars = DayBars(command.progress)
    options: dict[str, Any] = {
        "resume": command.resume,
        "device": device,
        "report": bars.report,
        "stop": stopping,
    }
    if nudged:
        store = run_nudged_simulation(command.nudging, command.out, **options)
    else:
        store = run_simulation(command.member, command.out, **options)
    bars.close()
    if stopping():
        print(f"Stopped; {store} holds what was done, --resume continues.", file=sys.stderr)
        return _cli.EXIT_INTERRUPTED
    print(f"The simulated fields are in {store}.")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
