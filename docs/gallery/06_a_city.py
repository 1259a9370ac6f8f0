"""
Distributions at a city
=======================

Distributions of one month of values at a city. The values of all models at 150 cities of the demo ship with the project; :doc:`/docs/cities`
explains how they were computed.
"""

# %%
import atmodist_core as ad
from atmodist_core.common.assets import asset_folder
from atmodist_core.evaluation.results.city_file import open_city_values
from atmodist_core.figures.numbers.cities import sample_of

values = open_city_values(asset_folder("results") / "demo_cities.nc")
methods = ["truth", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist"]
values = values.sel({"model": methods})
print(dict(values.sizes))

# %%
# Wasserstein-1 distance to the truth at Seattle: the mean distance by which values must be moved to match the truth's distribution, in the units of
# the field.
for box in (1, 3):
    truth = sample_of(values, "truth", "Seattle", "vorticity", box)
    for name in methods[1:]:
        moved = float(ad.evaluation.wasserstein(sample_of(values, name, "Seattle", "vorticity", box), truth))
        print(f"{box} x {box} points, {name:18s} {moved:.2e} s-1")
    assert ad.evaluation.wasserstein(truth, truth) == 0

# %%
# Over all 150 cities, a model is better where its distance is smaller by more than 10 % of the larger one. Both networks are better than interpolation
# almost everywhere; the comparison between them depends on the size of the box, and at single points AtmoDist is not better.
from atmodist_core.figures.numbers.cities import totals, verdicts, wasserstein_table

distances = wasserstein_table(values)


def count(candidate: str, baseline: str, box: int) -> dict[str, int]:
    """Cities at which ``candidate`` is better, equal or worse than ``baseline`` in vorticity."""
    return totals(verdicts(distances, candidate, baseline)["vorticity"].sel(box=box).values)


for pair in (("srgan-4x-atmodist", "bicubic"), ("srgan-4x-atmodist", "srgan-4x-mse")):
    for box in (1, 3):
        print(*pair, f"{box} x {box}:", count(*pair, box))
against_bicubic = count("srgan-4x-atmodist", "bicubic", 3)
assert against_bicubic["better"] > 10 * against_bicubic["worse"]
single, boxes = (count("srgan-4x-atmodist", "srgan-4x-mse", box) for box in (1, 3))
assert boxes["better"] - boxes["worse"] > single["better"] - single["worse"]

# %%
# Densities on a logarithmic axis, which shows rare large values.
import matplotlib.pyplot as plt

from atmodist_core.figures.cities import draw_density

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.2), layout="constrained", sharey=True)
for place, box in zip(axes, (1, 3), strict=True):
    draw_density(place, values, "Seattle", "vorticity", box)
axes[1].legend(fontsize=7, frameon=False)
