"""The frame of the page: header, side bar, address, tour."""
