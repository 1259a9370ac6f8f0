"""
Open the demo
=============

First.
"""

import atmodist_core as ad

demo = ad.open_demo().isel(time=[0])
print(demo.sizes)
