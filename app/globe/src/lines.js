// Coastlines as they arrive: int16 hundredths of degrees and the first point of each line.

/** GeoJSON of lines. */
export function linesOf(points, starts) {
  const values = new Int16Array(bufferOf(points)), firsts = new Int32Array(bufferOf(starts));
  const coordinates = [];
  for (let i = 0; i < firsts.length; i++) {
    const end = i + 1 < firsts.length ? firsts[i + 1] : values.length / 2;
    const line = [];
    for (let j = firsts[i]; j < end; j++) { line.push([values[2 * j] / 100, values[2 * j + 1] / 100]); }
    if (line.length > 1) { coordinates.push(line); }
  }
  return {type: "MultiLineString", coordinates};
}

/** The bytes of a parameter in a buffer of their own, aligned. */
export function bufferOf(bytes) {
  if (bytes == null) { return new ArrayBuffer(0); }
  if (bytes instanceof ArrayBuffer) { return bytes; }
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}
