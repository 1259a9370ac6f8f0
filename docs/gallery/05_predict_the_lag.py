"""
Predict the time lag between two fields
=======================================

The pretext task of AtmoDist, on data that it was not trained on (the demo is a different run of the simulation).
"""

# %%
# Pairs of times over the Pacific with lags of 3 h to 69 h. Patches of the training size cover the region, and the probabilities of the 23 classes are
# averaged over them.
import numpy as np

import atmodist_core as ad

demo = ad.REGIONS["Pacific"].select(ad.open_demo().isel(time=slice(100, 160))).load()
distance = ad.load_distance("atmodist-23")
steps = np.array([1, 2, 4, 8, 12, 16, 20, 23])
starts = np.array([0, 18, 36])
predictions = [distance.predict_lag(demo.isel(time=starts), demo.isel(time=starts + step)) for step in steps]

# %%
# Each row is a probability distribution; its median minimises the expected absolute error. See "Lag error" in :doc:`/docs/method`.
lags = predictions[0].lag.values
probability = np.stack([predicted.probability.mean("time").values for predicted in predictions])
np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)

median = lags[(probability.cumsum(axis=1) >= 0.5).argmax(axis=1)]
error = np.abs(median - 3 * steps)
for step, predicted, off in zip(steps, median, error, strict=True):
    print(f"true {3 * step:2d} h, predicted {predicted:2.0f} h, error {off:2.0f} h")

# %%
# Comparison with a constant prediction of 36 h. Short lags are predicted better than long ones.
middle = np.abs(36 - 3 * steps)
print(f"mean error {error.mean():.1f} h, of the constant prediction {middle.mean():.1f} h")
assert error.mean() < middle.mean() / 2
assert error[:3].max() <= 6

# %%
import matplotlib.pyplot as plt

from atmodist_core.figures.method_styles import method_style

colour = method_style("srgan-4x-atmodist").colour
figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for row, (step, chances) in enumerate(zip(steps, probability, strict=True)):
    axes.fill_between(lags, row, row + 2.4 * chances, step="mid", color=colour, alpha=0.45, linewidth=0)
    axes.plot(lags, row + 2.4 * chances, drawstyle="steps-mid", color=colour, linewidth=1)
    axes.plot([3 * step] * 2, [row, row + 0.9], color="black", linewidth=1.6)
    axes.plot(median[row], row + 0.12, marker="o", color="#d55e00", markersize=5)
axes.set_yticks(range(len(steps)), [f"{3 * step} h" for step in steps])
axes.set_ylabel("true lag")
axes.set_xlabel("predicted lag [h]: probability (green), median (dot), truth (bar)")
axes.spines[["top", "right"]].set_visible(False)
