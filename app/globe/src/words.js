// Numbers and places as text.

export function placeText(longitude, latitude, digits = 1) {
  const east = ((longitude + 180) % 360 + 360) % 360 - 180;
  return `${Math.abs(latitude).toFixed(digits)}°${latitude < 0 ? "S" : "N"} ${Math.abs(east).toFixed(digits)}°${east < 0 ? "W" : "E"}`;
}

/** Value of an 8-bit grid point, as text: the ends of the scale hold all that lies beyond them. */
export function valueText(index, low, high, unit) {
  if (!index) { return "no value"; }
  const value = low + (index - 1) / 254 * (high - low);
  const relation = index === 1 && low < 0 ? "≤ " : index === 255 ? "≥ " : "≈ ";
  const step = (high - low) / 254, digits = Math.min(6, Math.max(0, Math.round(-Math.log10(step || 1))));
  const times = unit.startsWith("10") ? " × " : " ";
  return `${relation}${value.toFixed(digits).replace("-", "−")}${times}${unit}`;
}
