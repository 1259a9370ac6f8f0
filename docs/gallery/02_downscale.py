"""
Coarsen and downscale
=====================

Three downscalers estimate the fine field from its block means: bicubic interpolation, a network with the mean squared error as content loss, and
the same network with AtmoDist.
"""

# %%
# The input: means over 4 x 4 cells, weighted by area.
import atmodist_core as ad

truth = ad.open_demo().isel(time=[124]).load()
coarse = ad.coarsen(truth, factor=4)
print(dict(truth.sizes), "->", dict(coarse.sizes))

# %%
# Each downscaler takes a coarse dataset and returns one on the fine grid.
models = ("bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
fine = {name: ad.load_downscaler(name)(coarse) for name in models}

# %%
# Scores of the globe. The root mean square error and the small-scale power rank the models differently: sharp structures in slightly wrong places
# increase the error, and a smooth field lacks small scales.
measures = ("rmse", "energy_ratio", "wasserstein", "block_mean_error")
scores = {
    name: ad.evaluation.scores(field, truth, factor=4, measures=measures) for name, field in fine.items()
}
for name, table in scores.items():
    values = table.sel(field="vorticity")
    print(
        f"{name:18s} RMSE {float(values.rmse):.2e} s-1, energy ratio {float(values.energy_ratio):.2f}, "
        f"Wasserstein-1 {float(values.wasserstein):.2e} s-1"
    )


def of(measure: str) -> list[float]:
    """Return a measure of vorticity for each model."""
    return [float(scores[name][measure].sel(field="vorticity")) for name in models]


assert of("energy_ratio") == sorted(of("energy_ratio"))  # bicubic < MSE < AtmoDist, all below the truth's 1
assert of("energy_ratio")[-1] < 1
assert of("wasserstein") == sorted(of("wasserstein"), reverse=True)
assert min(of("rmse")) == of("rmse")[models.index("srgan-4x-mse")]

# %%
# The shipped networks conserve the block means of the input by construction, up to rounding; bicubic interpolation does not.
print(
    "relative error of block means:",
    {name: f"{value:.0e}" for name, value in zip(models, of("block_mean_error"), strict=True)},
)
assert max(of("block_mean_error")[1:]) < 1e-3 < of("block_mean_error")[0]

# %%
# Maps on one colour scale.
from atmodist_core.figures import field_maps

europe = ad.REGIONS["Europe"]
panels = {"coarse": europe.select(coarse).vorticity}
panels |= {name: europe.select(field).vorticity for name, field in fine.items()}
panels["truth"] = europe.select(truth).vorticity
notes = {
    name: f"RMSE {1e5 * rmse:.2f}e-5, energy {ratio:.2f}"
    for name, rmse, ratio in zip(models, of("rmse"), of("energy_ratio"), strict=True)
}
figure = field_maps(panels, notes=notes, title="Vorticity, simulated (scores: globe)")
