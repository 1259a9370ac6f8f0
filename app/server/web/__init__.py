"""Requests to the web server: the page's HTML, its socket, limits, security headers, health and metrics."""
