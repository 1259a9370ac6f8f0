"""AtmoDist Studio in the browser: coarse input, downscaled fields and the truth side by side.

``panel serve app/main.py`` opens it. The page is one :class:`app.state.state.StudioState` that all views read; the
numbers come from :class:`app.compute.engine.Engine`, shared by all sessions of a process, through one
:class:`app.session.session.Session` per browser tab.
"""
