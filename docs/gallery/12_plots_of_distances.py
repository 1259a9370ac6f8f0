"""
Plots: distances
================

Distances between times, their growth with the lag, and predicted lags, as HoloViews objects.
"""

# %%
# Five days over Europe: the learned distance and the root mean square difference between all times.
import atmodist_core as ad
from atmodist_core.figures.numbers.distances import lag_curves, predicted_lags, time_matrices

demo = ad.open_demo().isel(time=slice(72, 112))
fields = ad.REGIONS["Europe"].select(demo).load()
distance = ad.load_distance("atmodist-23")
scale = distance.card.distance_scale[distance.layers[-1]]
matrices = time_matrices(fields, "vorticity", distance.embed(fields).values, scale=scale)
figure = ad.plots.distance_matrix(matrices, width=300)
# sphinx_gallery_thumbnail_path = 'docs/pictures/plots_distances.png'

# %%
# Mean distances over the lag; a band is one standard deviation of single pairs.
curves = lag_curves(fields, matrices)
figure = ad.plots.lag_curves(curves, width=560)
assert set(curves["measure"].values) >= {"AtmoDist", "l2"}

# %%
# Predicted lags: each column adds up to one.
confusion = predicted_lags(
    distance, fields, ad.REGIONS["Europe"], lambda: (demo.isel(time=[i]) for i in range(40))
)
figure = ad.plots.confusion_matrix(confusion)
