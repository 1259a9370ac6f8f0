"""A colour bar as HTML: light, of any width, and in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence

TICKS = 5
STYLES = """
.bars { display: flex; gap: 24px; align-items: center; height: 38px; }
.bar { flex: 1; min-width: 120px; }
.bar .ramp { height: 10px; border-radius: 5px; box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--studio-text) 18%, transparent); }
.bar .ticks { display: flex; justify-content: space-between; font-size: 11px; color: var(--studio-muted); margin-top: 3px;
  font-variant-numeric: tabular-nums; }
.bar .caption { font-size: 12px; color: var(--studio-text); white-space: nowrap; }
.titled { display: flex; align-items: center; gap: 12px; flex: 1; }
"""


def colour_bar_html(bars: Sequence[tuple[str, Sequence[str], float, float]]) -> str:
    """Colour bars side by side.

    Parameters
    ----------
    bars : sequence
        Per bar: caption with the unit, colours from low to high, value at the low and at the high end.
    """
    parts = []
    for caption, colours, low, high in bars:
        stops = ", ".join(colours[round(i * (len(colours) - 1) / 32)] for i in range(33))
        ticks = "".join(f"<span>{_text(low + (high - low) * i / (TICKS - 1))}</span>" for i in range(TICKS))
        label = f"{caption}, from {_text(low)} to {_text(high)}"
        parts.append(
            f'<div class="titled"><div class="bar"><div class="caption">{caption}</div></div>'
            f'<div class="bar" style="flex: 3" role="img" aria-label="{label}">'
            f'<div class="ramp" style="background: linear-gradient(to right, {stops})"></div>'
            f'<div class="ticks">{ticks}</div></div></div>'
        )
    return f'<div class="bars">{"".join(parts)}</div>'


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
