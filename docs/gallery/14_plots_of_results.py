"""
Plots: scorecard, learning curves and explore
=============================================

What an evaluation found, how a model was trained, and a cell to look around in a dataset.
"""

# %%
# Every model by every measure, coloured by the improvement over a reference. Pointing at a cell shows its interval.
import atmodist_core as ad
from atmodist_core.common.assets import asset_folder

measures = ["rmse", "energy_ratio", "wasserstein", "kurtosis_ratio", "ssim"]
figure = ad.plots.scorecard(asset_folder("results") / "evaluation.nc", measures=measures)
# sphinx_gallery_thumbnail_path = 'docs/pictures/plots_results.png'

# %%
# Learning curves of a model that ships.
figure = ad.plots.learning_curves("srgan-4x-mse")

# %%
# In a notebook, ``demo.atmodist.explore()`` has widgets for time, region, field and projection. Here one choice of them stands still.
demo = ad.open_demo().isel(time=slice(32, 34)).load()
cell = demo.atmodist.explore(["bicubic"])
first, *_ = cell
assert [str(name) for name in first.kdims] == ["time", "region", "field", "projection"]
figure = first["2001-01-05T00:00", "everywhere", "vorticity", "orthographic"]
