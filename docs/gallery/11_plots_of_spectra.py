"""
Plots: spectra
==============

Spectra with their ratio to the truth, and semivariograms, as HoloViews objects. :doc:`/docs/method` has the equations.
"""

# %%
# Of the globe, over total wavenumber. Click a name in the legend to hide its lines.
import atmodist_core as ad

demo = ad.open_demo().isel(time=slice(32, 33)).load()
models = ["bicubic", "srgan-4x-mse", "srgan-4x-atmodist"]
figure = ad.plots.spectra(demo, models, width=560)
assert len(figure) == 2
# sphinx_gallery_thumbnail_path = 'docs/pictures/plots_spectra.png'

# %%
# Of a region, from its cosine transform.
figure = ad.plots.spectra(demo, models, region="Europe", quantity="vorticity", ratio=False, width=560)

# %%
# Semivariogram: how different are values some distance apart?
figure = ad.plots.semivariograms(demo, models, region="Europe", width=560)
