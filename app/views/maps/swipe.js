// The curtain of the swipe: the right picture covers the map east of the pointer, and stays where the pointer left it.
// Runs when the pointer moves or taps (cb_obj is the event) and when a new picture has arrived (cb_obj is the source).
const quiet = {sync: false};
const full = right_full.data;
const image = full.image?.[0];
if (image?.shape != null) {
  const [rows, columns] = image.shape;
  const [west, width] = [full.x[0], full.dw[0]];
  if (typeof cb_obj.x === "number") { memory.split = cb_obj.x; }
  const low = Math.max(west, x_range.start), high = Math.min(west + width, x_range.end);
  const split = Math.min(Math.max(memory.split ?? 0.5 * (low + high), low), high);
  // The curtain stands between two columns, so that no grid point is drawn half.
  const first = Math.min(columns - 1, Math.max(0, Math.round((split - west) / width * columns)));
  const kept = columns - first;
  const part = new image.constructor(rows * kept, [rows, kept]);
  const values = new Float32Array(image.buffer, image.byteOffset, image.length);
  for (let row = 0; row < rows; row++) {
    part.set(values.subarray(row * columns + first, (row + 1) * columns), row * kept);
  }
  const edge = west + first * width / columns;
  right_part.setv({data: {image: [part], x: [edge], y: full.y, dw: [west + width - edge], dh: full.dh}}, quiet);
  curtain.setv({location: edge, visible: true}, quiet);
}
