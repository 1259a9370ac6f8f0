"""
Plots: maps
===========

Maps as HoloViews objects. They are interactive: point at a cell for its value; zooming one map zooms all. :doc:`/docs/plots` lists all functions.
"""

# %%
# Coarse input, models and truth on one colour scale.
import atmodist_core as ad

demo = ad.open_demo().isel(time=slice(32, 34)).load()
figure = ad.plots.maps(demo, ["bicubic", "srgan-4x-atmodist"], region="Europe", width=300, columns=2)
assert [panel.label for panel in figure] == ["coarse input", "bicubic", "AtmoDist GAN", "truth"]
# sphinx_gallery_thumbnail_path = 'docs/pictures/plots_maps.png'

# %%
# How far the models are from the truth.
figure = ad.plots.maps(
    demo, ["bicubic", "srgan-4x-atmodist"], region="Europe", difference=True, width=320, columns=2
)

# %%
# Five projections; no value is interpolated. Lambert maps suit a part of one hemisphere, the others the globe as well.
figure = ad.plots.maps(demo, projection="robinson", cities=True, width=640)

# %%
# Restyled: ``.opts`` changes layers, and layers of your own go on top.
import holoviews as hv

hv.extension("bokeh")

truth = ad.plots.maps(demo, region="Europe", width=480)
box = hv.Rectangles([(0.0, 45.0, 15.0, 55.0)]).opts(fill_alpha=0, line_color="black", line_width=2)
figure = (truth.opts(hv.opts.Image(cmap="PuOr_r")) * box).opts(title="Truth in other colours, and a box")

# %%
# With GeoViews, layers of your own are projected with the map.
import cartopy.crs as ccrs
import geoviews as gv

projection = ccrs.LambertConformal(10, 50)
stations = gv.Points([(10.0, 53.6), (2.35, 48.9), (21.0, 52.2)], crs=ccrs.PlateCarree())
stations = stations.opts(projection=projection, color="black", size=7)
figure = ad.plots.geo_map(demo, region="Europe", projection=projection, width=480) * stations
