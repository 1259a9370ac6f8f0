import assert from "node:assert/strict";
import {test} from "node:test";
import {geoOrthographic} from "d3-geo";
import {View} from "../src/view.js";

const SEATTLE = [-122.33, 47.61];
const VIEWS = [[0, 0, 1], [-120, 40, 1], [170, -60, 2.5], [30, 89, 1.3], [-75, -90, 1]];

test("the view is d3's orthographic projection", () => {
  for (const [longitude, latitude, zoom] of VIEWS) {
    const view = new View({longitude, latitude, zoom, width: 600, height: 500});
    const projection = geoOrthographic().rotate([-longitude, -latitude]).scale(view.radius).translate([300, 250]);
    for (let i = 0; i < 200; i++) {
      const place = [(i * 37.7) % 360 - 180, (i * 17.3) % 178 - 89];
      const {x, y} = view.screen(...place), [ex, ey] = projection(place);
      assert.ok(Math.hypot(x - ex, y - ey) < 1e-6);
    }
  }
});

test("the place under a point is seen at this point", () => {
  for (const [longitude, latitude, zoom] of VIEWS) {
    const view = new View({longitude, latitude, zoom, width: 600, height: 500});
    for (let i = 0; i < 300; i++) {
      const x = 600 * ((i * 0.37) % 1), y = 500 * ((i * 0.73) % 1);
      const place = view.place(x, y);
      if (place === null) { continue; }
      const seen = view.screen(...place);
      assert.ok(seen.visible || Math.hypot(x - 300, y - 250) > 0.999 * view.radius);
      assert.ok(Math.hypot(seen.x - x, seen.y - y) < 1e-4);
    }
  }
});

test("beside the globe there is no place", () => {
  assert.equal(new View({width: 400, height: 400}).place(5, 5), null);
});

test("a dragged place follows the pointer, and north stays up", () => {
  let followed = 0;
  for (const [longitude, latitude, zoom] of VIEWS) {
    const view = new View({longitude, latitude, zoom, width: 600, height: 500});
    for (let i = 0; i < 200; i++) {
      const from = [300 + 150 * Math.sin(i), 250 + 150 * Math.cos(2 * i)], to = [from[0] + 9, from[1] - 6];
      const place = view.place(...from), moved = place && view.bringing(place, ...to);
      if (!moved) { continue; }
      followed += 1;
      const {x, y, visible} = moved.screen(...place);
      assert.ok(visible && Math.hypot(x - to[0], y - to[1]) < 1e-4);
    }
  }
  assert.ok(followed > 600);
});

test("a small drag turns the globe by a small angle", () => {
  const view = new View({longitude: -100, latitude: 30, width: 500, height: 500});
  const moved = view.bringing(view.place(260, 250), 262, 250);
  assert.ok(Math.abs(moved.longitude - view.longitude) < 1 && Math.abs(moved.latitude - 30) < 1);
});

test("Seattle is west of Greenwich, in the north-west of North America", () => {
  const view = new View({longitude: -98, latitude: 39, width: 500, height: 500});
  const {x, y, visible} = view.screen(...SEATTLE);
  assert.ok(visible && x < 200 && y < 230);
  // The longitude as the table has it, 237.67 E, is the same place.
  const same = view.screen(237.67, 47.61);
  assert.ok(Math.hypot(same.x - x, same.y - y) < 1e-6);
});

test("zoom and tilt have ends", () => {
  const view = new View();
  assert.equal(view.zoomed(1e9).zoom, 14);
  assert.equal(view.turned(0, 130).latitude, 90);
  assert.equal(view.turned(190, 0).longitude, -170);
});
