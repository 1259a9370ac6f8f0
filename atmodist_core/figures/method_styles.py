"""How each method looks: one name, one colour and one line for page, figures and files alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Appearance:
    """How one method is drawn.

    Parameters
    ----------
    label : str
        Name in legends.
    colour : str or None
        Line colour; None for the colour of the text.
    dashes : tuple of float
        Lengths of strokes and gaps in widths of the line, so that lines differ without colour too; empty for a
        whole line.
    width : float
        Line width in a printed figure [pt].
    """

    label: str
    colour: str | None
    dashes: tuple[float, ...] = ()
    width: float = 1.3

    @property
    def linestyle(self) -> str | tuple[float, tuple[float, ...]]:
        """The dashes as Matplotlib takes them."""
        return (0.0, self.dashes) if self.dashes else "-"


# Okabe and Ito's colours, which colour-blind readers tell apart: blues for interpolations, warm ones and green for networks.
_APPEARANCES = {
    "truth": Appearance("truth", None, (), 1.8),
    "coarse": Appearance("coarse input", "#808a96", (3.5, 1.2, 1.0, 1.2)),
    "bilinear": Appearance("bilinear", "#56b4e9", (1.0, 1.4)),
    "bicubic": Appearance("bicubic", "#0072b2", (3.5, 1.5)),
    "sr-4x-mse": Appearance("MSE, no GAN", "#cc79a7", (7.0, 1.2)),
    "srgan-4x-mse": Appearance("MSE GAN", "#e69f00"),
    "srgan-4x-autoencoder": Appearance("autoencoder GAN", "#d55e00", (7.0, 1.0, 1.0, 1.0)),
    "srgan-4x-atmodist": Appearance("AtmoDist GAN", "#009e73"),
    "srgan-4x-atmodist-spectrum": Appearance(
        "AtmoDist GAN, spectrum term", "#8c6bb1", (6.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    ),
}
_OTHER_COLOURS = ("#7a5c3e", "#a6761d", "#b5383f", "#6a8f2f", "#5b7fd1", "#aa4499")
_OTHER_DASHES = ((), (7.0, 1.2), (3.5, 1.2, 1.0, 1.2))
KNOWN_DOWNSCALERS = tuple(name for name in _APPEARANCES if name.startswith("sr"))
"""Names of the networks that have an appearance of their own, simplest first."""


def appearance(method: str) -> Appearance:
    """Appearance of a method: the same in every figure and view, whatever else is drawn.

    Parameters
    ----------
    method : str
        ``"truth"``, ``"coarse"``, or the name of a downscaler. A name that is not known gets a colour of its
        own by the name alone.

    Returns
    -------
    Appearance

    Examples
    --------
    >>> appearance("srgan-4x-atmodist").label
    'AtmoDist GAN'
    """
    if method in _APPEARANCES:
        return _APPEARANCES[method]
    # Not hash(): it differs from process to process.
    number = int.from_bytes(hashlib.sha256(method.encode()).digest()[:4], "big")
    colour = _OTHER_COLOURS[number % len(_OTHER_COLOURS)]
    return Appearance(method, colour, _OTHER_DASHES[number // 7 % len(_OTHER_DASHES)])


def distinct_appearances(methods: Sequence[str]) -> dict[str, Appearance]:
    """Appearances of methods that are shown together: where two would look alike, the later one gets another line.

    Parameters
    ----------
    methods : sequence of str
        As for :func:`appearance`.

    Returns
    -------
    dict of str to Appearance

    Examples
    --------
    >>> looks = distinct_appearances([f"run-{number}" for number in range(8)])
    >>> len({(look.colour, look.dashes) for look in looks.values()})
    8
    """
    found: dict[str, Appearance] = {}
    for method in methods:
        look = appearance(method)
        taken = {(other.colour, other.dashes) for other in found.values()}
        colours = {other.colour for other in found.values()}
        if (look.colour, look.dashes) in taken:
            # A colour that is still free tells more than other dashes of one that is not.
            free = [pair for pair in product(_OTHER_COLOURS, _OTHER_DASHES) if pair not in taken]
            colour, dashes = next((pair for pair in free if pair[0] not in colours), free[0])
            look = replace(look, colour=colour, dashes=dashes)
        found[method] = look
    return found
