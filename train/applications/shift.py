"""Show how distance networks and downscalers hold up on data unlike those they were trained on.

python train/applications/shift.py --data summer=data/summer.nc 850=data/upper.nc --models bicubic real-4x-mse --networks real-atmodist
    [--period 2026-07-26 2026-07-31 2026-04-29 2026-05-01] [--times 24] [--scored-times 2] [--reference summer] [--markdown docs/shift.md]

Writes <out>/<name>.md with two tables: lag accuracy and growth of the distance with the lag; power and error of downscaled fields. With
--reference, a third: is every other of the data of the same climate as this one, as the networks and simple numbers see it?
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli


@dataclasses.dataclass(frozen=True)
class ShiftConfig:
    """Networks, and the data they are tried on."""

    data: tuple[str, ...] = ("demo=demo",)
    """label=source of every series; a source is anything that open_fields reads, or "demo"."""
    period: tuple[str, ...] = ()
    """Two dates for each of the data; everything by default."""
    level: tuple[str, ...] = ()
    """Level for each of the data, "-" where there is one; the usual one by default."""
    models: tuple[str, ...] = ("bicubic", "srgan-4x-atmodist")
    """Names or folders of downscalers; the first is the one that errors are compared with."""
    networks: tuple[str, ...] = ("atmodist-23",)
    """Names or folders of distance networks."""
    times: int = 24
    """First times of the series that distances are taken between."""
    scored_times: int = 2
    """Times among these at which downscaled fields are scored; with 0 there is no such table."""
    members: int = 4
    """Members of ensembles."""
    pairs_per_lag: int = 8
    """At most so many pairs of times for each lag; with 0 there is no table of distances."""
    reference: str = ""
    """Label of data that all others are tested against; no test by default."""
    layers: tuple[str, ...] = ("stage2",)
    """Layers of the networks whose activations are tested."""
    block_days: int = 1
    """Days that are permuted as one; more days are more cautious, as weather lasts for days."""
    permutations: int = 9999
    """Permutations of blocks, unless there are fewer ways to divide them."""
    seed: int = 0
    """Seed of pairs, noise and permutations."""
    out: Path = Path("runs/shift")
    """Folder of the tables."""
    name: str = "shift"
    """Name of the tables, in files and in documents."""
    markdown: Path | None = None
    """Document in which the tables <name>-distance, <name>-downscaling and <name>-detection between markers are replaced."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        ShiftConfig, {"default": ShiftConfig()}, arguments, "python train/applications/shift.py"
    )
    _check(config)
    import numpy as np

    import atmodist_core as ad
    from atmodist_core.common.assets import asset_folder
    from atmodist_core.evaluation.results.marked_tables import write_tables
    from atmodist_core.evaluation.run.climate_detection import climate_vectors, detect, detection_table
    from atmodist_core.evaluation.run.data_shift import (
        distance_on_data,
        distance_table,
        downscaler_on_data,
        downscaler_table,
    )
    from atmodist_core.fields.sharpness import keep_sharpness

    networks = {name: ad.load_distance(name) for name in config.networks}
    models = {name: ad.load_downscaler(name) for name in config.models}
    distances, downscaled = [], []
    vectors = {}
    for number, entry in enumerate(config.data):
        label, _, source = entry.partition("=")
        place = asset_folder("demo") if source == "demo" else source
        dates = config.period[2 * number : 2 * number + 2]
        level = config.level[number] if config.level and config.level[number] != "-" else None
        fields = ad.open_fields(place, level=level, **({"time": slice(*dates)} if dates else {}))
        series = fields.isel(time=slice(0, config.times)).load()
        for name, network in networks.items() if config.pairs_per_lag else ():
            try:
                found = distance_on_data(
                    network, series, pairs_per_lag=config.pairs_per_lag, seed=config.seed
                )
            except UserError as error:
                print(f"{label}, {name}: {error}", file=sys.stderr, flush=True)
                found = None
            distances.append((label, name, found))
        if config.reference:
            try:
                vectors[label] = climate_vectors(
                    series, networks, layers=config.layers, block_days=config.block_days
                )
            except UserError as error:
                print(f"{label}, {config.reference}: {error}", file=sys.stderr, flush=True)
        chosen = np.unique(
            np.linspace(0, series.sizes["time"] - 1, config.scored_times + 2).round().astype(int)[1:-1]
        )
        truth = series.isel(time=chosen)
        others = series.isel(time=np.setdiff1d(np.arange(series.sizes["time"]), chosen))
        for name, model in models.items() if config.scored_times else ():
            try:
                # Models may be told how sharp the archive is, but not by the times that are scored.
                keep_sharpness(truth, model.factor, of=others if others.sizes["time"] else None)
                scored = downscaler_on_data(
                    model, ad.coarsen(truth, model.factor), truth, members=config.members, seed=config.seed
                )
            except UserError as error:
                print(f"{label}, {name}: {error}", file=sys.stderr, flush=True)
                scored = None
            downscaled.append((label, name, scored))
        print(f"{label}: done", file=sys.stderr, flush=True)
    tables = {}
    if config.pairs_per_lag:
        tables[f"{config.name}-distance"] = distance_table(distances)
    if config.scored_times:
        tables[f"{config.name}-downscaling"] = downscaler_table(downscaled, config.models[0])
    if config.reference:
        tests = []
        for label in (entry.partition("=")[0] for entry in config.data):
            if label == config.reference:
                continue
            try:
                same = detect(
                    vectors.get(config.reference, {}),
                    vectors.get(label, {}),
                    permutations=config.permutations,
                    seed=config.seed,
                )
            except UserError as error:
                print(f"{label}, {config.reference}: {error}", file=sys.stderr, flush=True)
                same = None
            tests.append((label, same or None))
        tables[f"{config.name}-detection"] = detection_table(tests, config.reference)
    written = shlex.join(["python", "train/applications/shift.py", *arguments])
    config.out.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(tables.values())
    (config.out / f"{config.name}.md").write_text(f"`{written}`\n\n{text}\n", encoding="utf-8")
    print(text)
    if config.markdown is not None:
        write_tables(config.markdown, tables, written)
    return _cli.EXIT_OK


def _check(config: ShiftConfig) -> None:
    """Refuse bad settings before the data are read."""
    if any("=" not in entry for entry in config.data):
        raise UserError(
            "Expected label=source after --data, found an entry without a label; write summer=summer.nc."
        )
    for name, each in (("period", 2), ("level", 1)):
        given = len(getattr(config, name))
        if given not in (0, each * len(config.data)):
            raise UserError(
                f"Expected {each} after --{name} for each of {len(config.data)} data, found {given}."
            )
    labels = [entry.partition("=")[0] for entry in config.data]
    if config.reference and (config.reference not in labels or len(labels) < 2):
        raise UserError(
            f"Expected --reference to be the label of one of two or more data, found {config.reference!r} of"
            f" {', '.join(labels)}; name one of them."
        )
    if config.permutations < 99 or config.block_days < 1:
        raise UserError(
            f"Expected --permutations 99 or more and --block-days 1 or more, found {config.permutations} and"
            f" {config.block_days}; 9999 and 3 are usual."
        )
    if config.times < 3 or config.scored_times < 0 or config.pairs_per_lag < 0:
        raise UserError(
            f"Expected --times 3 or more, --scored-times and --pairs-per-lag 0 or more, found {config.times},"
            f" {config.scored_times} and {config.pairs_per_lag}."
        )
    if not (config.scored_times or config.pairs_per_lag or config.reference):
        raise UserError(
            "Expected something to do, found --scored-times 0, --pairs-per-lag 0 and no --reference; give one of them."
        )
    if config.markdown is not None and not config.markdown.is_file():
        raise UserError(f"Expected a document at --markdown {config.markdown}, found none.")


if __name__ == "__main__":
    _cli.run(main)
