"""
Plots: ensembles
================

Many fine fields share one coarse field. An ensemble model draws several of them: the members. Here they are seen beside the truth, scored, and
checked for calibration.
"""

# %%
# Eight members of one coarse field. The noise of a member depends on seed, number, time and place alone.
import atmodist_core as ad

truth = ad.open_demo().isel(time=slice(124, 125)).load()
coarse = ad.coarsen(truth, factor=4)
downscaler = ad.load_downscaler("ensemble-4x-atmodist")
members = downscaler(coarse, region="Europe", members=8, seed=0)
figure = ad.plots.ensemble(members, truth, region="Europe", stamps=2)
# sphinx_gallery_thumbnail_path = 'docs/pictures/ensemble_light.png'

# %%
# The CRPS is the error of the whole ensemble. Of a single field it is the mean absolute error, so that both can be compared [s-1].
from atmodist_core.evaluation import crps, rank_histogram, spread_skill

bicubic = ad.load_downscaler("bicubic")(coarse, region="Europe")
for name, fields in (("8 members", members), ("bicubic", bicubic)):
    print(f"{name}: {float(crps(fields, truth)['vorticity'].mean()):.2e}")
assert crps(members, truth)["vorticity"].mean() < 0.7 * crps(bicubic, truth)["vorticity"].mean()

# %%
# Rank histogram: how often so many members lie below the truth. Flat: the truth is like another member. One time is a small sample:
# neighbouring points resemble each other.
figure = ad.plots.rank_histogram({"ensemble-4x-atmodist": rank_histogram(members, truth)})

# %%
# Spread over the error of the mean, by total wavenumber: 1 where the ensemble is calibrated.
figure = ad.plots.spread_error({"ensemble-4x-atmodist": spread_skill(members, truth, by="wavenumber")})

# %%
# Every member has the block means of the coarse field, and so has their mean: the mean is smoother, and has the smallest squared error.
mean = members.mean("member", keep_attrs=True)
one = members.isel(member=0, drop=True)
figure = ad.plots.maps({"member 1": one, "mean": mean, "truth": truth}, region="Europe")
