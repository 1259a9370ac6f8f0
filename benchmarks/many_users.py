"""Time a server that many people use at once, and its memory after they have left.

::

    python benchmarks/many_users.py
    python benchmarks/many_users.py --users 3 --minutes 1
    ATMODIST_CACHE_GB=0.3 python benchmarks/many_users.py

The server is started as `make app` starts it. Each user steps to any of the demo's times, or goes to another
region, and rests for a few seconds. "Maps" is the time from the choice until every map has new data, as of
:class:`visitor.Visitor`, which does not paint. A first round opens models and begins to fill the shared caches.
Memory is compared after each later round, when everyone has left and the server has noticed. Caches grow from
round to round up to their limit (``ATMODIST_CACHE_GB``): only with a limit that the first round reaches does growth
mean that something of the users is left.
"""

import asyncio
import multiprocessing
import os
import platform
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import tyro
from tornado.httpclient import HTTPClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.server.local_server import served_page
from benchmarks.visitor import Visitor

LAST_TIME = 239
REGIONS = ("Europe", "North America", "South-East Asia", "Pacific")
FORGETTING_S = 45.0
"""After this time the server has dropped the sessions of those who left (Bokeh looks every 17 s for what has been unused for 15 s)."""


@dataclass(frozen=True)
class Options:
    """What to time."""

    users: int = 10
    """Users at the same time."""
    rounds: int = 2
    """Rounds that are measured."""
    minutes: float = 5.0
    """Minutes of each of them."""
    first_minutes: float = 3.0
    """Minutes of the round that fills the caches."""
    rest: tuple[float, float] = (2.0, 6.0)
    """Least and most seconds between two choices of a user."""


def main(options: Options) -> None:
    """Let them come and go, and print."""
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder, served_page(Path(folder) / "log", warm=True) as address:
        server = psutil.Process().children()[0]
        # In a process of their own, so that reading what comes does not hold up the server's clock or the other way round.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            times: list[float] = []
            problems: list[str] = []
            left, during = [], []
            for number in range(options.rounds + 1):
                minutes = options.minutes if number else options.first_minutes
                found = pool.apply(_round, (address, options, minutes, number + 1))
                during.append(server.memory_info().rss / 1e6)
                pool.apply(_pause)
                left.append(server.memory_info().rss / 1e6)
                if number:
                    times += found[0]
                    problems += found[1]
        log = (Path(folder) / "log").read_text().splitlines()
        faults = [line for line in log if "ERROR" in line or "Traceback" in line]
    times.sort()
    print(
        f"{options.users} users, {options.rounds} rounds of {options.minutes:g} minutes, {len(times)} choices"
    )
    if times:
        print(
            f"maps: median {statistics.median(times):.2f} s, 90 % {times[int(0.9 * len(times))]:.2f} s, largest {times[-1]:.2f} s"
        )
    print(f"memory with them [MB]: {', '.join(f'{one:.0f}' for one in during)}")
    growth = ", ".join(f"{after / before - 1:+.1%}" for before, after in pairwise(left))
    print(f"memory after them [MB]: {', '.join(f'{one:.0f}' for one in left)} ({growth} from round to round)")
    print(f"errors: {len(problems) + len(faults)}")
    for problem in [*problems, *faults]:
        print("  " + problem)


def _round(address: str, options: Options, minutes: float, seed: int) -> tuple[list[float], list[str]]:
    async def all_users() -> list[tuple[list[float], list[str]]]:
        visits = [
            _visit(address, options, 60 * minutes, random.Random(100 * seed + n))
            for n in range(options.users)
        ]
        return await asyncio.gather(*visits)

    results = asyncio.run(all_users())
    return [time for times, _ in results for time in times], [
        one for _, problems in results for one in problems
    ]


def _pause() -> None:
    asyncio.run(asyncio.sleep(FORGETTING_S))


async def _visit(
    address: str, options: Options, seconds: float, chance: random.Random
) -> tuple[list[float], list[str]]:
    """One user's choices: how long each took, and what went wrong."""
    times: list[float] = []
    visitor = Visitor(address)
    await asyncio.sleep(chance.uniform(0, options.rest[1]))
    end = asyncio.get_running_loop().time() + seconds
    try:
        await visitor.open()
    except (HTTPClientError, RuntimeError) as error:
        return times, [f"the page did not open: {error}"]
    try:
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(chance.uniform(*options.rest))
            if chance.random() < 0.7:
                shown = visitor.set.get("IntSlider1", 0)
                other_time = chance.choice([index for index in range(LAST_TIME + 1) if index != shown])
                taken = await visitor.choose("IntSlider1", other_time, "value_throttled")
            else:
                other = [name for name in REGIONS if name != visitor.set.get("Region", "Europe")]
                taken = await visitor.choose("Region", chance.choice(other))
            times.append(taken)
    except (TimeoutError, ConnectionError, KeyError) as error:
        visitor.problems.append(f"{type(error).__name__}: {error}")
    await visitor.leave()
    return times, visitor.problems


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
