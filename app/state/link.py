"""Search parts of addresses as names and values."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode


def query_of(search: str) -> dict[str, str]:
    """Return the names and values of the search part of an address."""
    return dict(parse_qsl(search.lstrip("?"), keep_blank_values=True))


def search_of(query: dict[str, str]) -> str:
    """Return the search part of an address, with dates and regions left readable."""
    return "?" + urlencode(query, quote_via=quote, safe=",:/")
