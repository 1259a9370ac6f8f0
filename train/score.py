"""Score downscalers on a period of any source.

python train/score.py --data demo --models bilinear bicubic srgan-4x-mse srgan-4x-atmodist [--period 2001-01
2001-02]
    [--every 4] [--region Europe] [--out table.md]
"""

import dataclasses
import json
import math
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # so that it runs from a checkout without installing

from atmodist_core.common.errors import AtmodistWarning, UserError
from train import _cli

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class ScoreConfig:
    """What to score, on which data."""

    data: str = "demo"
    """File, store, pattern or URL that open_fields reads, or "demo"."""

    models: tuple[str, ...] = ("bilinear", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
    """Names or folders of downscalers."""

    distance: str = "atmodist-23"
    """Name or folder of the distance network; "none" leaves its column out."""

    period: tuple[str, ...] = ()
    """First and last date, both included, or one date such as 2001-01; everything by default."""

    every: int = 1
    """Use every n-th time."""

    region: str | None = None
    """Name of a region; the whole area by default."""

    level: str | None = None
    """Level, where there are several."""

    factor: int | None = None
    """Downscaling factor of interpolations, 4 by default; a network has its own."""

    device: str | None = None
    """Where networks compute; a GPU where there is one by default."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the networks; bfloat16 changes fields by 1 to 2 %."""

    out: Path | None = None
    """Markdown file for the table; the numbers go to the same name with .json."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(ScoreConfig, {"default": ScoreConfig()}, arguments, "python train/score.py")
    _check(config)
    fields = _fields(config)
    # Only now, since torch takes seconds to import: a wrong path is told at once.
    import tqdm

    from atmodist_core.evaluation.model_scores import downscaling_scores, downscaling_statistics, scores_table
    from atmodist_core.inference.atmodist import load_distance
    from atmodist_core.inference.downscaler import load_downscaler

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AtmodistWarning)
        downscalers = [
            load_downscaler(name, factor=config.factor, device=config.device, precision=config.precision)
            for name in config.models
        ]
        learned = config.distance != "none"
        distance = (
            load_distance(config.distance, device=config.device, precision=config.precision)
            if learned
            else None
        )
        with tqdm.tqdm(total=fields.sizes["time"], unit="time", file=sys.stderr) as bar:
            statistics = downscaling_statistics(
                fields,
                downscalers,
                region=config.region,
                distance=distance,
                progress=lambda done, _: _advance(bar, done),
            )
    result = downscaling_scores(statistics)
    notes = sorted({str(entry.message) for entry in caught if issubclass(entry.category, AtmodistWarning)})
    for entry in caught:
        if not issubclass(entry.category, AtmodistWarning):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    table = "\n".join(
        [_heading(config, fields, result), "", scores_table(result), *(f"\nNote: {n}" for n in notes)]
    )
    numbers = json.dumps(_numbers(config, fields, result, notes), indent=1)
    print(f"{table}\n\n{numbers}")
    if config.out is not None:
        _write(config.out, table + "\n")
        _write(config.out.with_suffix(".json"), numbers + "\n")
    return _cli.EXIT_OK


def _advance(bar: Any, done: int) -> None:
    bar.update(done - bar.n)


def _check(config: ScoreConfig) -> None:
    if not config.models:
        raise UserError("Expected at least one model after --models, found none; give for example bicubic.")
    if config.every < 1:
        raise UserError(f"Expected --every 1 or more, found {config.every}.")
    if len(config.period) > 2:
        raise UserError(f"Expected one or two dates after --period, found {len(config.period)}.")
    if config.out is not None and not config.out.resolve().parent.is_dir():
        raise UserError(
            f"Expected an existing folder for --out, found none at {config.out.resolve().parent}."
        )


def _fields(config: ScoreConfig) -> "xr.Dataset":
    from atmodist_core.common.assets import asset_folder
    from atmodist_core.fields import open_fields

    source = asset_folder("demo") if config.data == "demo" else config.data
    period = slice(config.period[0], config.period[-1]) if config.period else None
    return open_fields(source, level=config.level, time=period).isel(time=slice(None, None, config.every))


def _heading(config: ScoreConfig, fields: "xr.Dataset", result: "xr.Dataset") -> str:
    times = result.attrs["times"]
    dates = (
        f", {result.attrs['first_time']} to {result.attrs['last_time']}"
        if "first_time" in result.attrs
        else ""
    )
    where = f", {config.region}" if config.region else ""
    nyquist = result.attrs.get("coarse_nyquist_wavelength_km")
    beyond = (
        f"; energy ratio at wavelengths below {nyquist:.0f} km ({result.attrs['transform']})"
        if nyquist
        else ""
    )
    simulated = " (simulated)" if fields.attrs.get("simulated") else ""
    return f"{config.data}{simulated}{where}: {times} time{'s' if times != 1 else ''}{dates}{beyond}."


def _numbers(
    config: ScoreConfig, fields: "xr.Dataset", result: "xr.Dataset", notes: list[str]
) -> dict[str, Any]:
    """Everything as plain values; what is missing becomes null, since JSON knows no NaN."""
    scores: dict[str, Any] = {}
    for model in map(str, result["model"].values):
        row = result.sel(model=model)
        scores[model] = {
            str(name): _plain(row[name]) for name in result.data_vars if "model" in result[name].dims
        }
    return {
        "settings": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in dataclasses.asdict(config).items()
        },
        "source": {
            key: str(fields.attrs[key])
            for key in ("source", "level", "grid", "derived_from")
            if key in fields.attrs
        },
        "period": {
            key: result.attrs[key] for key in ("times", "first_time", "last_time") if key in result.attrs
        },
        "transform": result.attrs["transform"],
        "scores": scores,
        "truth_kurtosis": _plain(result["truth_kurtosis"]),
        "notes": notes,
    }


def _plain(values: "xr.DataArray") -> Any:
    if values.ndim == 0:
        return float(values) if math.isfinite(float(values)) else None
    return {str(field): _plain(values.sel(field=field)) for field in values["field"].values}


def _write(path: Path, text: str) -> None:
    """Replace the file in one step: a reader never sees half of it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    _cli.run(main)
