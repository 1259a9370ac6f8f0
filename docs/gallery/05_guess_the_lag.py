"""
Guess the hours between two fields
==================================

The task from which AtmoDist is learned, done on data it has not seen (the demo is another run of the simulation than the one it was trained on).
"""

# %%
# Pairs of moments of the Pacific region, 3 h to 69 h apart. The region is covered with patches of the size of the training, and the network's probabilities for
# the 23 classes are averaged over them.
import numpy as np

import atmodist_core as ad

demo = ad.REGIONS["Pacific"].select(ad.open_demo().isel(time=slice(100, 160))).load()
distance = ad.load_distance("atmodist-23")
steps = np.array([1, 2, 4, 8, 12, 16, 20, 23])
starts = np.array([0, 18, 36])
guesses = [distance.predict_lag(demo.isel(time=starts), demo.isel(time=starts + step)) for step in steps]

# %%
# Each row is a distribution; its median is the guess that keeps the error small. See "Lag error" in the :doc:`method </docs/method>`.
leads = guesses[0].lead.values
probability = np.stack([guess.probability.mean("time").values for guess in guesses])
np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)

median = leads[(probability.cumsum(axis=1) >= 0.5).argmax(axis=1)]
error = np.abs(median - 3 * steps)
for step, guess, off in zip(steps, median, error, strict=True):
    print(f"true {3 * step:2d} h, guessed {guess:2.0f} h, off by {off:2.0f} h")

# %%
# Against always answering the middle, 36 h. The network knows short lags better than long ones: early differences are small and orderly.
middle = np.abs(36 - 3 * steps)
print(f"mean error {error.mean():.1f} h, of the middle {middle.mean():.1f} h")
assert error.mean() < middle.mean() / 2
assert error[:3].max() <= 6

# %%
import matplotlib.pyplot as plt

from atmodist_core.figures.method_styles import method_style

colour = method_style("srgan-4x-atmodist").colour
figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for row, (step, chances) in enumerate(zip(steps, probability, strict=True)):
    axes.fill_between(leads, row, row + 2.4 * chances, step="mid", color=colour, alpha=0.45, linewidth=0)
    axes.plot(leads, row + 2.4 * chances, drawstyle="steps-mid", color=colour, linewidth=1)
    axes.plot([3 * step] * 2, [row, row + 0.9], color="black", linewidth=1.6)
    axes.plot(median[row], row + 0.12, marker="o", color="#d55e00", markersize=5)
axes.set_yticks(range(len(steps)), [f"{3 * step} h" for step in steps])
axes.set_ylabel("true time between the fields")
axes.set_xlabel("guessed time [h]: probability (green), median (dot), truth (bar)")
axes.spines[["top", "right"]].set_visible(False)
