"""Open every file of a folder of real data, map it and downscale it: one line of a table for each.

    python tests/fields/table_of_real_files.py ../shared/data --out table.md

A file with one component of the wind is opened with its other half.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import holoviews as hv

import atmodist_core as ad
from atmodist_core.common.errors import AtmodistWarning
from atmodist_core.figures.numbers.data_sets import Source, list_sources

HEADER = "| file | grid | level | times | points with values | mapped | downscaled: points with values | s |\n|---|---|---|---|---|---|---|---|"


def line_of(source: Source, model: ad.Downscaler) -> str:
    """Return what became of one file; a sentence where it could not be read."""
    start = time.perf_counter()
    try:
        fields = source.open()
        one = fields.isel(time=[0]).load()
        share = float(np.isfinite(one["vorticity"]).mean())
        drawn = hv.renderer("bokeh").get_plot(ad.plots.maps({"truth": one})).state
        fine = model(ad.coarsen(one, factor=4))
        found = float(np.isfinite(fine["vorticity"]).mean())
    except ad.UserError as error:
        return f"| {source.label} | {error} | | | | | | {time.perf_counter() - start:.0f} |"
    size = f"{one.sizes['latitude']} x {one.sizes['longitude']}, {one.attrs['grid']}"
    mapped = "yes" if drawn is not None else "no"
    return (
        f"| {source.label} | {size} | {one.attrs['level']} | {fields.sizes['time']} | {100 * share:.1f} % | {mapped} | "
        f"{100 * found:.1f} % | {time.perf_counter() - start:.0f} |"
    )


def main() -> None:
    """Print the table, and write it line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", default="srgan-4x-mse")
    parser.add_argument("--only", default="", help="part of the names of the files")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", AtmodistWarning)
    model = ad.load_downscaler(arguments.model)
    lines = [HEADER]
    print(HEADER, flush=True)
    for source in list_sources(arguments.folder)[1:]:
        if arguments.only in source.key:
            lines.append(line_of(source, model))
            print(lines[-1], flush=True)
            if arguments.out is not None:
                arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
