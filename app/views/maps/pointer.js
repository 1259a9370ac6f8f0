// One pointer for all maps: a cross hair and the value under it in every panel, without asking the server.
// `panels` lists, per map: source (the image), vertical and horizontal (spans), badge (label), figure. `inverse` describes the projection
// (inverse_of in projections.py). `sync: false` keeps the many small changes in the browser.
const quiet = {sync: false};
const [x, y] = [cb_obj.x, cb_obj.y];
const leaving = cb_obj.event_name === "mouseleave";
const degrees = Math.PI / 180;

function value_at(data) {
  const image = data.image?.[0];
  if (image == null) { return null; }
  const [rows, columns] = image.shape ?? [image.length, image[0].length];
  const column = Math.floor((x - data.x[0]) / data.dw[0] * columns);
  const row = Math.floor((y - data.y[0]) / data.dh[0] * rows);
  if (!(column >= 0 && column < columns && row >= 0 && row < rows)) { return null; }
  return image.shape != null ? image[row * columns + column] : image[row][column];
}

// Inverse equations of Snyder (1987, Map Projections, a Working Manual): 20-14 and 20-15, 15-8 to 15-11, 14-3 and 14-4.
const inverses = {
  "orthographic": ({radius, lon_0, lat_0}) => {
    const [rho, middle] = [Math.hypot(x, y) / radius, lat_0 * degrees];
    const [sine, cosine] = [rho, Math.sqrt(1 - rho * rho)];
    if (rho === 0) { return [lon_0, lat_0]; }
    const north = y / radius / rho;
    const latitude = Math.asin(cosine * Math.sin(middle) + north * sine * Math.cos(middle));
    const longitude = Math.atan2(x / radius / rho * sine, Math.cos(middle) * cosine - north * Math.sin(middle) * sine);
    return [lon_0 + longitude / degrees, latitude / degrees];
  },
  "polar-stereographic": ({radius, lon_0, lat_0, lat_ts}) => {
    const pole = Math.sign(lat_0);
    const angle = 2 * Math.atan(Math.hypot(x, y) / (radius * (1 + Math.sin(Math.abs(lat_ts) * degrees))));
    return [lon_0 + Math.atan2(x, -pole * y) / degrees, pole * (90 - angle / degrees)];
  },
  "lambert": ({radius, lon_0, lat_0, lat_1, lat_2}) => {
    const half = (latitude) => Math.tan((45 + latitude / 2) * degrees);
    const [first, second] = [Math.cos(lat_1 * degrees), Math.cos(lat_2 * degrees)];
    const cone = Math.log(first / second) / Math.log(half(lat_2) / half(lat_1));
    const scale = radius * first * half(lat_1) ** cone / cone;
    const down = scale / half(lat_0) ** cone - y;
    const rho = Math.sign(cone) * Math.hypot(x, down);
    const turned = Math.atan2(Math.sign(cone) * x, Math.sign(cone) * down);
    return [lon_0 + turned / cone / degrees, 2 * Math.atan((scale / rho) ** (1 / cone)) / degrees - 90];
  },
  "robinson": ({lon_0, y: heights, width}) => {
    const above = heights.findIndex((height) => height >= y);
    if (above < 1) { return [NaN, NaN]; }
    const part = (y - heights[above - 1]) / (heights[above] - heights[above - 1]);
    const turned = x / (width[above - 1] + part * (width[above] - width[above - 1]));
    return Math.abs(turned) > 180 ? [NaN, NaN] : [lon_0 + turned, above - 91 + part];
  },
};

function place() {
  const projection = JSON.parse(inverse.text);
  const [east, latitude] = inverses[projection.name]?.(projection) ?? [x, y];
  if (!Number.isFinite(east) || !Number.isFinite(latitude)) { return "beside the map"; }
  const longitude = ((east % 360) + 540) % 360 - 180;
  const north = `${Math.abs(latitude).toFixed(1)}°${latitude < 0 ? "S" : "N"}`;
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
