// A box of latitudes and longitudes: from two corners, and as a line on the globe.

import {wrapped} from "./view.js";

/** South, north, west, east of two corners [longitude, latitude]; the box runs the short way round, and may cross the date line. */
export function boxOf([west, south], [east, north]) {
  const forward = wrapped(east - west);
  const [left, right] = forward >= 0 ? [west, east] : [east, west];
  const round = (value) => Math.round(value * 10) / 10;
  return [round(Math.min(south, north)), round(Math.max(south, north)), round(wrapped(left)), round(wrapped(right))];
}

/** Whether a box is large enough to be meant: a click is none. */
export function isBox([south, north, west, east]) {
  return north - south >= 1 && ((east - west) % 360 + 360) % 360 >= 1;
}

/** Outline as points [longitude, latitude], close enough for parallels, which are no great circles. */
export function outline([south, north, west, east]) {
  const width = ((east - west) % 360 + 360) % 360 || 360;
  const steps = Math.max(2, Math.ceil(width / 2)), rises = Math.max(2, Math.ceil((north - south) / 4));
  const points = [];
  for (let i = 0; i <= steps; i++) { points.push([west + width * i / steps, south]); }
  for (let i = 1; i <= rises; i++) { points.push([west + width, south + (north - south) * i / rises]); }
  for (let i = 1; i <= steps; i++) { points.push([west + width * (1 - i / steps), north]); }
  for (let i = 1; i <= rises; i++) { points.push([west, north - (north - south) * i / rises]); }
  return points;
}
