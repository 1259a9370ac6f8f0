"""
How different are two moments?
==============================

All times of ten days over Europe against each other, with the learned distance and with the mean squared difference, and how both
grow with the time between two states.
"""

# %%
import atmodist_core as ad
from atmodist_core.figures.numbers.distances import saturation

demo = ad.open_demo().isel(time=slice(72, 152))
fields = ad.REGIONS["Europe"].select(demo).load()
distance = ad.load_distance("atmodist-23")
print(distance)

# %%
# The matrix: symmetric, zero on the diagonal, without a unit.
matrix = distance.matrix(fields)
print(matrix.sizes, matrix.attrs["comment"])
assert float(abs(matrix - matrix.values.T).max()) == 0
assert (matrix.values.diagonal() == 0).all() and float(matrix.min()) == 0

# %%
# Curves over the lag, brought to one scale over the longer leads. A mark shows where a curve has reached 90 % of its plateau: the
# squared difference does so within a day, when fronts and lows have moved by their own width; after that it says "different" and no more.
# The learned distance goes on growing for longer.
curves = ad.evaluation.lag_curve(fields, {"AtmoDist": distance, "l2": "l2"})
curves = ad.evaluation.scaled_together(curves, "AtmoDist")
curves["saturation"] = saturation(curves)
hours = {name: float(curves.saturation.sel(measure=name)) for name in ("l2", "AtmoDist")}
print(hours)
assert hours["l2"] <= 24 < hours["AtmoDist"]

# %%
# Only the lags up to 69 h are drawn: the network never saw longer ones. Neighbouring pairs of one series are not independent, so the
# bands say how distances vary, not how sure their mean is.
import matplotlib.pyplot as plt

from atmodist_core.figures.distances import draw_lag_curves, draw_time_matrix

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), layout="constrained")
draw_time_matrix(axes[0], matrix)
axes[0].set_title("AtmoDist between times")
draw_lag_curves(axes[1], curves)
