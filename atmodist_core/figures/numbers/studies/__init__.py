"""Numbers of single views from the data, without the page."""
