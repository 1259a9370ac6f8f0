"""Plumbing between Panel, the web server and the browser."""
