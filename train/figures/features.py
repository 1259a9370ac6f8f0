"""Measure what a distance network sees: its sensitivity per wavenumber and latitude, and the shapes that excite its filters.

python train/figures/features.py --data assets/demo --model atmodist-23 --every-hours 24
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli

SHAPES = {"extent": ("extent [km]", 0), "anisotropy": ("anisotropy", 2), "scale": ("preferred scale [km]", 0)}


@dataclasses.dataclass(frozen=True)
class FeaturesCommand:
    """Fields, network and control."""

    preset: str = "default"
    """There is one preset."""
    data: str = "assets/demo"
    """Any source that atmodist_core.open_fields reads; the whole globe."""
    level: float | None = None
    """Vertical level, where there are several."""
    model: str = "atmodist-23"
    """The distance network: a name or a folder."""
    every_hours: int = 24
    """Use times that are a multiple of so many hours; 0 for all."""
    seeds: int = 3
    """Untrained networks."""
    part: Literal["all", "wavenumber", "latitude", "shapes"] = "all"
    """What to measure: sensitivity per total wavenumber or latitude, or the shapes that excite filters."""
    places: int = 3
    """Strongest places of each filter whose shapes are measured."""
    out: Path | None = None
    """Folder for the results as netCDF; by default none."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    command = _cli.parse(
        FeaturesCommand, {"default": FeaturesCommand()}, arguments, "python train/figures/features.py"
    )
    if command.seeds < 1 or command.places < 1 or command.every_hours < 0:
        raise UserError(
            f"Expected one untrained network and one place or more and no negative hours, found --seeds {command.seeds}, --places "
            f"{command.places} and --every-hours {command.every_hours}; 3, 3 and 24 are usual."
        )
    import atmodist_core as ad

    fields = _times(ad.open_fields(command.data, level=command.level), command.every_hours)
    distance = ad.load_distance(command.model)
    some = fields.isel(time=slice(None, None, max(1, fields.sizes["time"] // 4))).load()
    controls = {
        f"untrained, seed {seed}": ad.features.untrained(distance, some, seed=seed)
        for seed in range(command.seeds)
    }
    networks = {"trained": distance, **controls}
    print(
        f"{fields.attrs.get('source', command.data)}, level {fields.attrs.get('level')}; network {distance.name}"
    )
    print(f"{fields.sizes['time']} times from {fields.time.values[0]} to {fields.time.values[-1]}")
    results: dict[str, Any] = {}
    for by in ("wavenumber", "latitude"):
        if command.part in ("all", by):
            results[by] = _sensitivities(ad, networks, fields, by)
            more = _half_table if by == "wavenumber" else _asymmetry_table
            print(f"\n{_sensitivity_table(results[by], by)}\n\n{more(results[by])}")
    if command.part in ("all", "shapes"):
        results["shapes"] = _shapes(ad, networks, fields, command.places)
        print(f"\n{_shape_table(results['shapes'])}")
    if command.out is not None:
        _write(command.out, results)
        print(f"\nThe results are in {command.out}.")
    return _cli.EXIT_OK


def _times(fields: Any, hours: int) -> Any:
    """Times that are a multiple of so many hours."""
    import numpy as np

    if not hours:
        return fields
    since = fields["time"].values.astype("datetime64[m]").astype(np.int64)
    kept = np.flatnonzero(since % (60 * hours) == 0)
    if not kept.size:
        raise UserError(f"Expected times that are a multiple of {hours} h, found none; use --every-hours 0.")
    return fields.isel(time=kept)


def _sensitivities(ad: Any, networks: Mapping[str, Any], fields: Any, by: str) -> dict[str, Any]:
    """Sensitivity of every network, and of the squared error of the fields that enter it."""
    from atmodist_core.evaluation.diagnostics.distance_sensitivity import normalised_squared_error

    found = {}
    given = {"normalised": normalised_squared_error(networks["trained"]), **networks}
    for name, distance in given.items():
        print(f"{name}, per {by}", file=sys.stderr, flush=True)
        found[name] = ad.features.sensitivity(distance, fields, by=by)
    return found


def _sensitivity_table(results: Mapping[str, Any], by: str) -> str:
    """Gain per band at the last stage."""
    from atmodist_core.evaluation.diagnostics.distance_sensitivity import mean_gain

    means = {name: mean_gain(one).isel(layer=-1) for name, one in results.items()}
    trained, untrained = (
        means["trained"],
        [one for name, one in means.items() if name.startswith("untrained")],
    )
    unit = "total wavenumber" if by == "wavenumber" else "latitude"
    lines = [
        f"| {unit} | share of the squared error | share of the response, trained | gain, trained | gain, untrained | gain, normalised fields |",
        "|---|---|---|---|---|---|",
    ]
    for band in range(trained.sizes["band"]):
        first, last = (float(trained[name][band]) for name in ("first", "last"))
        title = f"{first:g} to {last:g}" if by == "wavenumber" else _belt(float(trained["band"][band]))
        cells = [
            f"{100 * float(trained['error_share'][band]):.1f} %",
            _percent(trained, "share", band),
            _with_interval(trained, "gain", band),
            _over_seeds([float(one["gain"][band]) for one in untrained]),
            _with_interval(means["normalised"], "gain", band),
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _half_table(results: Mapping[str, Any]) -> str:
    """Total wavenumber up to which half of the response lies, at every stage."""
    from atmodist_core.evaluation.diagnostics.distance_sensitivity import mean_gain

    means = {name: mean_gain(one) for name, one in results.items()}
    untrained = [one for name, one in means.items() if name.startswith("untrained")]
    error, normalised = means["trained"]["error_half_wavenumber"], means["normalised"].isel(layer=0)
    lines = ["| half of the response lies below total wavenumber | trained | untrained |", "|---|---|---|"]
    for place, layer in enumerate(means["trained"]["layer"].values):
        one = means["trained"].isel(layer=place)
        ends = [float(one[f"half{end}_wavenumber"]) for end in ("", "_low", "_high")]
        others = [float(each["half_wavenumber"][place]) for each in untrained]
        lines.append(f"| {layer} | {ends[0]:.1f} [{ends[1]:.1f}, {ends[2]:.1f}] | {_over_seeds(others, 1)} |")
    lines.append(
        f"\nSquared error: {float(error):.1f}; of the normalised fields: {float(normalised['half_wavenumber']):.1f}."
    )
    return "\n".join(lines)


def _asymmetry_table(results: Mapping[str, Any]) -> str:
    """Gain of the northern belts over that of the southern ones, at every stage."""
    from atmodist_core.evaluation.diagnostics.distance_sensitivity import hemispheric_ratio

    found = {name: hemispheric_ratio(one) for name, one in results.items()}
    untrained = [one for name, one in found.items() if name.startswith("untrained")]
    lines = ["| gain north / south | trained | untrained |", "|---|---|---|"]
    for place, layer in enumerate(found["trained"]["layer"].values):
        value, low, high = (float(found["trained"][name][place]) for name in ("ratio", "low", "high"))
        others = [float(each["ratio"][place]) for each in untrained]
        lines.append(f"| {layer} | {value:.2f} [{low:.2f}, {high:.2f}] | {_over_seeds(others)} |")
    value, low, high = (float(found["normalised"][name][0]) for name in ("ratio", "low", "high"))
    lines.append(f"\nOf the normalised fields: {value:.2f} [{low:.2f}, {high:.2f}].")
    return "\n".join(lines)


def _shapes(ad: Any, networks: Mapping[str, Any], fields: Any, count: int) -> dict[str, Any]:
    """Shapes of the changes that excite the filters of all stages: by network and stage, mean over the places of each filter."""
    found = {}
    for name, distance in networks.items():
        for layer in distance.layers:
            print(f"shapes of {name}, {layer}", file=sys.stderr, flush=True)
            places = ad.features.strongest_places(distance, fields, layer=layer, count=count)
            changes = ad.features.exciting_change(distance, fields, places)
            found[f"{name}, {layer}"] = ad.features.change_shapes(changes).mean("rank")
    return found


def _shape_table(shapes: Mapping[str, Any]) -> str:
    """Means over filters with intervals: trained, untrained of all seeds, and their difference."""
    import numpy as np

    lines = ["| stage | shape | trained | untrained | trained - untrained |", "|---|---|---|---|---|"]
    random = np.random.default_rng(0)
    layers = [name.removeprefix("trained, ") for name in shapes if name.startswith("trained, ")]
    for layer in layers:
        for key, (title, digits) in SHAPES.items():
            samples = []
            for prefix in ("trained", "untrained"):
                every = [
                    one[key].values
                    for name, one in shapes.items()
                    if name.startswith(prefix) and name.endswith(layer)
                ]
                values = np.concatenate(every)
                samples.append(values[np.isfinite(values)])
            means = []
            for values in samples:
                drawn = values[random.integers(values.size, size=(1000, values.size))].mean(axis=1)
                means.append((values.mean(), drawn))
            (a, drawn_a), (b, drawn_b) = means
            cells = [
                f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
                for value, (low, high) in (
                    (a, np.percentile(drawn_a, (2.5, 97.5))),
                    (b, np.percentile(drawn_b, (2.5, 97.5))),
                    (a - b, np.percentile(drawn_a - drawn_b, (2.5, 97.5))),
                )
            ]
            counts = f"{layer}, {samples[0].size} and {samples[1].size} filters" if key == "extent" else ""
            lines.append(f"| {counts} | {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _belt(latitude: float) -> str:
    return "equator" if latitude == 0 else f"{abs(latitude):g}°{'S' if latitude < 0 else 'N'}"


def _with_interval(means: Any, name: str, band: int) -> str:
    value, low, high = (float(means[f"{name}{end}"][band]) for end in ("", "_low", "_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _percent(means: Any, name: str, band: int) -> str:
    value, low, high = (100 * float(means[f"{name}{end}"][band]) for end in ("", "_low", "_high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def _over_seeds(values: Sequence[float], digits: int = 2) -> str:
    """Mean, and least and largest of all seeds."""
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _write(folder: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, found in results.items():
        for name, one in found.items():
            one.to_netcdf(folder / f"{kind}_{name.replace(', ', '_').replace(' ', '_')}.nc")


if __name__ == "__main__":
    _cli.run(main)
