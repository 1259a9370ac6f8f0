"""A colour bar as HTML."""

from __future__ import annotations

from collections.abc import Sequence

STYLES = """
.bars { display: flex; gap: 22px; align-items: center; height: 34px; }
.bar { flex: 1; min-width: 0; }
.caption { display: flex; justify-content: space-between; align-items: baseline; font-size: 11px; color: var(--studio-muted);
  font-variant-numeric: tabular-nums; line-height: 14px; white-space: nowrap; }
.caption b { font-size: 12px; font-weight: 500; color: var(--studio-text); }
.ramp { height: 9px; border-radius: 5px; margin-top: 2px;
  box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--studio-text) 18%, transparent); }
"""


def colour_bar_html(bars: Sequence[tuple[str, Sequence[str], float, float]]) -> str:
    """Return colour bars side by side; each is caption, colours from low to high, low value, high value."""
    parts = []
    for caption, colours, low, high in bars:
        stops = ", ".join(colours[round(i * (len(colours) - 1) / 32)] for i in range(33))
        label = f"{caption}, colours from {_text(low)} to {_text(high)}"
        parts.append(
            f'<div class="bar" role="img" aria-label="{label}"><div class="caption"><span>{_text(low)}</span><b>{caption}</b>'
            f"<span>{_text(high)}</span></div>"
            f'<div class="ramp" style="background: linear-gradient(to right, {stops})"></div></div>'
        )
    return f'<div class="bars">{"".join(parts)}</div>'


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
