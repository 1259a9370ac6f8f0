// One pointer for all maps: a cross hair and the value under it in every panel, without asking the server.
// `panels` lists, per map: source (the image), vertical and horizontal (spans), badge (label), figure.
// `sync: false` keeps the many small changes in the browser.
const quiet = {sync: false};
const [x, y] = [cb_obj.x, cb_obj.y];
const leaving = cb_obj.event_name === "mouseleave";

function value_at(data) {
  const image = data.image?.[0];
  if (image == null) { return null; }
  const [rows, columns] = image.shape ?? [image.length, image[0].length];
  const column = Math.floor((x - data.x[0]) / data.dw[0] * columns);
  const row = Math.floor((y - data.y[0]) / data.dh[0] * rows);
  if (!(column >= 0 && column < columns && row >= 0 && row < rows)) { return null; }
  return image.shape != null ? image[row * columns + column] : image[row][column];
}

function place() {
  const longitude = ((x + 540) % 360) - 180;
  const north = `${Math.abs(y).toFixed(1)}°${y < 0 ? "S" : "N"}`;
  return `${north} ${Math.abs(longitude).toFixed(1)}°${longitude < 0 ? "W" : "E"}`;
}

for (const panel of panels) {
  if (leaving) {
    for (const part of [panel.vertical, panel.horizontal, panel.badge]) { part.setv({visible: false}, quiet); }
    continue;
  }
  const value = value_at(panel.source.data);
  panel.vertical.setv({location: x, visible: true}, quiet);
  panel.horizontal.setv({location: y, visible: true}, quiet);
  const times = unit.text.startsWith("10") ? "×" : " ";
  const number = value == null || Number.isNaN(value) ? "no value" : `${value.toFixed(2).replace("-", "−")}${times}${unit.text}`;
  const here = panel.figure.id === cb_obj.origin.id;
  panel.badge.setv({text: here ? `${place()}  ·  ${number}` : number, visible: true}, quiet);
}
