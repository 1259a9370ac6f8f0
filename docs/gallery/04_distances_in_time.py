"""
Distances between times
=======================

The learned distance and the mean squared difference between all times of ten days over Europe, and their growth with the time lag.
"""

# %%
import atmodist_core as ad
from atmodist_core.figures.numbers.distances import saturation

demo = ad.open_demo().isel(time=slice(72, 152))
fields = ad.REGIONS["Europe"].select(demo).load()
distance = ad.load_distance("atmodist-23")
print(distance)

# %%
# The distance matrix is symmetric, zero on the diagonal, and dimensionless.
matrix = distance.matrix(fields)
print(matrix.sizes, matrix.attrs["comment"])
assert float(abs(matrix - matrix.values.T).max()) == 0
assert (matrix.values.diagonal() == 0).all() and float(matrix.min()) == 0

# %%
# Mean distances over the lag, on a common scale. Markers show where a curve reaches 90 % of its plateau: the squared difference does so within a
# day, when fronts and lows have moved by their own width. The learned distance continues to grow.
curves = ad.evaluation.lag_curve(fields, {"AtmoDist": distance, "l2": "l2"})
curves = ad.evaluation.scaled_together(curves, "AtmoDist")
curves["saturation"] = saturation(curves)
hours = {name: float(curves.saturation.sel(measure=name)) for name in ("l2", "AtmoDist")}
print(hours)
assert hours["l2"] <= 24 < hours["AtmoDist"]

# %%
# Lags extend to 69 h, the longest lag in training. Bands show the variability of single pairs, not the uncertainty of the mean.
import matplotlib.pyplot as plt

from atmodist_core.figures.distances import draw_lag_curves, draw_time_matrix

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), layout="constrained")
draw_time_matrix(axes[0], matrix)
axes[0].set_title("AtmoDist between times")
draw_lag_curves(axes[1], curves)
