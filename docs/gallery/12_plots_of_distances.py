"""
Plots: distances
================

Distances between times, their growth with the lag, predicted lags, the most similar days, and what the network sees, as HoloViews
objects.
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

# %%
# The times most like one of them: maps with their distances, and the distance over time. At least a day lies between any two.
embeddings = ad.embed_record(fields, model=distance)
figure = ad.plots.similar_days(fields, "2001-01-12T00", 2, embeddings=embeddings, exclude_hours=24, width=280)
assert len(figure) == 4  # the time itself, two others, and the curve

# %%
# What the network sees: the patches that excite a filter of its second stage most, of eight times, and beside them the smallest change that would
# raise its activation by a tenth. All patches have one colour scale, and all changes another.
days = ad.open_demo().isel(time=slice(0, 64, 8)).load()
patches = ad.features.strongest_patches(distance, days, filters=[3], layer="stage2")
changes = ad.features.exciting_change(distance, days, patches)
figure = ad.plots.strongest_patches(patches, changes)
assert abs(patches["vorticity"]).max() > 10 * abs(changes["vorticity"]).max()

# %%
# Where this filter is active: lines at 30, 60 and 90 % of the strongest activation on the map.
active = ad.features.activation_map(distance, days, layer="stage2")
figure = ad.plots.activation_map(active, days, filter=3, region="Europe", width=480)

# %%
# How strongly the distance reacts to waves of each length, relative to the squared error, which is the line at 1. The control is the same network
# with random weights. A few times are enough to see it.
times = days.isel(time=slice(0, 4))
networks = {"atmodist-23": distance, "untrained": ad.features.untrained(distance, times)}
curves = {name: ad.features.sensitivity(network, times) for name, network in networks.items()}
figure = ad.plots.sensitivity(curves, width=560)
gains = {name: one["gain"].mean("time").isel(layer=-1) for name, one in curves.items()}
assert gains["atmodist-23"].sel(band=slice(0, 16)).min() > 2 > gains["untrained"].max()

# %%
# Another field with nearly the same activations: what it does not share with the truth, the stage does not see.
europe = ad.REGIONS["Europe"].select(days.isel(time=[0]))
twin = ad.features.metamer(distance, europe, layer="stage3", steps=40)
figure = ad.plots.metamer(twin, europe)
