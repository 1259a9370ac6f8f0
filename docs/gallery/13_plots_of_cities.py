"""
Plots: cities
=============

Local statistics as HoloViews objects, from the values at 150 cities that ship with the project.
"""

# %%
# Densities of a month of values at Seattle, in boxes of one and of three points; pointing at a line shows its Wasserstein-1 distance to the truth.
import atmodist_core as ad
from atmodist_core.common.assets import asset_folder
from atmodist_core.evaluation.results.city_file import open_city_values

values = open_city_values(asset_folder("results") / "demo_cities.nc")
figure = ad.plots.city_densities(
    values, "Seattle", models=["bicubic", "srgan-4x-mse", "srgan-4x-atmodist"], boxes=[1, 3], width=270
)
assert len(figure) == 2
# sphinx_gallery_thumbnail_path = 'docs/pictures/plots_cities.png'

# %%
# At which cities is one model closer to the truth than another by more than 10 %?
figure = ad.plots.verdict_map(values, "srgan-4x-atmodist", "srgan-4x-mse", width=620)
