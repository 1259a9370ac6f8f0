"""Describe the statistics of fields: spread, tails, spectral slopes, lag correlations; as a table and a figure.

python train/figures/describe.py --data assets/demo --label simulated --out docs/pictures/demo_atmosphere.png
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class DescribeCommand:
    """Fields to describe, and the figure."""

    preset: str = "default"
    """There is one preset."""
    data: str = "assets/demo"
    """Any source that atmodist_core.open_fields reads; the whole globe."""
    label: str = "simulated"
    """Name of the data in the title of the figure."""
    level: float | None = None
    """Vertical level, where there are several."""
    every: int = 1
    """Use every n-th time for the spread and the spectra (lag correlations need 1)."""
    out: Path | None = None
    """Figure to write (.png, .svg or .pdf); by default none."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        DescribeCommand, {"default": DescribeCommand()}, arguments, "python train/figures/describe.py"
    )
    if command.every < 1:
        raise UserError(f"Expected --every of 1 and more, found {command.every}; 1 takes all times.")
    from atmodist_core import energy_spectrum, evaluation, figures, open_fields

    fields = open_fields(command.data, level=command.level).isel(time=slice(None, None, command.every)).load()
    statistics = evaluation.atmosphere_statistics(fields)
    memory = evaluation.lag_correlation(fields) if fields.sizes["time"] > 1 else None
    spectrum = energy_spectrum(fields).mean("time")
    slopes = {
        name: float(
            evaluation.spectral_slope(spectrum[name] * (spectrum["wavelength_km"] ** 2), (500.0, 2500.0))
        )
        for name in ("vorticity", "divergence")
    }
    print(f"{fields.attrs.get('source', command.data)}, level {fields.attrs.get('level')}")
    print(f"{fields.sizes['time']} times from {fields.time.values[0]} to {fields.time.values[-1]}\n")
    print("| | vorticity | divergence |")
    print("|---|---|---|")

    def row(title: str, values: Sequence[str]) -> None:
        print(f"| {title} | {' | '.join(values)} |")

    both = ("vorticity", "divergence")
    deviation, kurtosis = statistics["standard_deviation"], statistics["kurtosis"]
    row("standard deviation [s-1]", [f"{float(deviation.sel(field=name)):.2e}" for name in both])
    row("kurtosis (normal: 3)", [f"{float(kurtosis.sel(field=name)):.1f}" for name in both])
    if memory is not None:
        for lag in (3.0, 6.0, 24.0, 69.0):
            if lag in memory["lag"]:
                row(
                    f"correlation after {lag:g} h",
                    [f"{float(memory[name].sel(lag=lag)):.2f}" for name in both],
                )
    row("slope of its part of the kinetic energy, 500 to 2500 km", [f"{slopes[name]:.2f}" for name in both])
    if command.out is not None:
        figure = figures.atmosphere_figure(fields, label=command.label)
        form = command.out.suffix.lstrip(".") or "png"
        command.out.parent.mkdir(parents=True, exist_ok=True)
        command.out.write_bytes(figures.figure_bytes(figure, form))
        print(f"\nThe picture is in {command.out}.")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
