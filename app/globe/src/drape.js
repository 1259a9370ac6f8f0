// A field laid over the globe: for each pixel of the disc, the grid point below it and that point's colour.

const TURN = 2 * Math.PI;

/** Arc tangent of y/x in turns, 0..1, to 2e-5 of a turn: a grid of 1024 columns needs no more, and it is called for every pixel. */
export function turns(y, x) {
  const ax = Math.abs(x), ay = Math.abs(y);
  const steep = ay > ax, ratio = (steep ? ax : ay) / ((steep ? ay : ax) || 1), square = ratio * ratio;
  let angle = ratio * (0.99997726 + square * (-0.33262347 + square * (0.19354346 + square * (-0.11643287 + square * (0.05265332 - square * 0.0117212)))));
  if (steep) { angle = Math.PI / 2 - angle; }
  if (x < 0) { angle = Math.PI - angle; }
  return (y < 0 ? TURN - angle : angle) / TURN;
}

/** Colours as 32-bit pixels; the first, for points without a value, is transparent. */
export function pixelsOf(palette) {
  const pixels = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(pixels.buffer);
  for (let i = 1; i < 256; i++) {
    const hex = palette[Math.min(palette.length - 1, Math.round((i - 1) / 254 * (palette.length - 1)))] ?? "#888888";
    for (let channel = 0; channel < 3; channel++) {
      bytes[4 * i + channel] = parseInt(hex.slice(1 + 2 * channel, 3 + 2 * channel), 16);
    }
    bytes[4 * i + 3] = 255;
  }
  return pixels;
}

/** Index of the grid point at a place: rows run from north to south, columns east from 180 W. */
export function pointAt(longitude, latitude, rows, columns) {
  const row = Math.min(rows - 1, Math.max(0, Math.floor((90 - latitude) / 180 * rows)));
  const column = Math.floor(((longitude + 180) / 360 % 1 + 1) % 1 * columns) % columns;
  return row * columns + column;
}

/**
 * Paint the field as seen in a view.
 *
 * field: Uint8Array of rows x columns, 0 for no value; colours: from `pixelsOf`; target: Uint32Array of width x height pixels, which
 * cover the picture of the view at another resolution.
 */
export function paint(field, rows, columns, colours, view, target, width, height) {
  const scale = width / view.width, radius = view.radius * scale;
  const tilt = view.latitude * Math.PI / 180, sine = Math.sin(tilt), cosine = Math.cos(tilt);
  const start = ((view.longitude + 180) / 360 % 1 + 1) % 1;
  const inverse = 1 / radius, middle = width / 2;
  for (let j = 0; j < height; j++) {
    const up = (height / 2 - j - 0.5) * inverse;
    const half = 1 - up * up;
    const line = j * width;
    if (half <= 0) { target.fill(0, line, line + width); continue; }
    const reach = Math.sqrt(half) * radius;
    const first = Math.max(0, Math.ceil(middle - reach - 0.5)), last = Math.min(width - 1, Math.floor(middle + reach - 0.5));
    target.fill(0, line, line + first);
    target.fill(0, line + last + 1, line + width);
    const upSine = up * sine, upCosine = up * cosine;
    for (let i = first; i <= last; i++) {
      const right = (i + 0.5 - middle) * inverse;
      const rest = half - right * right;
      const toward = rest > 0 ? Math.sqrt(rest) : 0;
      const north = upCosine + toward * sine;
      let row = (0.5 - Math.asin(north > 1 ? 1 : north < -1 ? -1 : north) / Math.PI) * rows | 0;
      if (row >= rows) { row = rows - 1; }
      let column = start + turns(right, toward * cosine - upSine);
      column = (column - Math.floor(column)) * columns | 0;
      if (column >= columns) { column = columns - 1; }
      target[line + i] = colours[field[row * columns + column]];
    }
  }
}
