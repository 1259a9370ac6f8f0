import assert from "node:assert/strict";
import {test} from "node:test";
import {boxOf, isBox, outline} from "../src/box.js";
import {paint, pixelsOf, pointAt, turns} from "../src/drape.js";
import {linesOf} from "../src/lines.js";
import {View} from "../src/view.js";

test("the fast arc tangent is close enough for the grid", () => {
  for (let i = 0; i < 10000; i++) {
    const angle = 2 * Math.PI * i / 10000, size = 0.1 + (i % 7);
    const exact = i / 10000, got = turns(size * Math.sin(angle), size * Math.cos(angle));
    const off = Math.abs(got - exact);
    assert.ok(Math.min(off, 1 - off) < 2e-5, `${angle}`);
  }
});

test("each pixel has the colour of the grid point below it", () => {
  const [rows, columns, size] = [90, 180, 120];
  const field = new Uint8Array(rows * columns).map((_, i) => 1 + (i * 7919) % 255);
  const palette = Array.from({length: 256}, (_, i) => `#${i.toString(16).padStart(2, "0").repeat(3)}`);
  const colours = pixelsOf(palette);
  let wrong = 0, inside = 0;
  for (const [longitude, latitude] of [[0, 0], [-120, 45], [179, -80]]) {
    const view = new View({longitude, latitude, width: 240, height: 240});
    const target = new Uint32Array(size * size);
    paint(field, rows, columns, colours, view, target, size, size);
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) {
        const place = view.place((i + 0.5) * 2, (j + 0.5) * 2);
        if (place === null) { assert.equal(target[j * size + i], 0); continue; }
        inside += 1;
        wrong += target[j * size + i] !== colours[field[pointAt(...place, rows, columns)]];
      }
    }
  }
  // Only places on the edge between two grid points may fall to either side.
  assert.ok(inside > 20000 && wrong < 0.005 * inside, `${wrong} of ${inside}`);
});

test("points without a value are transparent", () => {
  const colours = pixelsOf(["#ff0000", "#00ff00"]);
  assert.equal(colours[0], 0);
  assert.equal(new Uint8Array(colours.buffer)[4 + 3], 255);
  const target = new Uint32Array(100);
  paint(new Uint8Array(4 * 8), 4, 8, colours, new View({width: 10, height: 10}), target, 10, 10);
  assert.ok(target.every((pixel) => pixel === 0));
});

test("a box runs the short way round, over the date line too", () => {
  assert.deepEqual(boxOf([-20, 60], [40, 30]), [30, 60, -20, 40]);
  assert.deepEqual(boxOf([40, 30], [-20, 60]), [30, 60, -20, 40]);
  assert.deepEqual(boxOf([170, -10], [-150, 20]), [-10, 20, 170, -150]);
  assert.ok(isBox([30, 60, 170, -150]) && !isBox([30, 30.2, 10, 40]));
});

test("the outline of a box is closed and stays on its edges", () => {
  const points = outline([-10, 20, 170, -150]);
  const [first, last] = [points[0], points[points.length - 1]];
  assert.deepEqual(first, last);
  assert.ok(points.every(([x, y]) => x >= 170 && x <= 210 && y >= -10 && y <= 20));
  assert.ok(points.every(([x, y]) => x === 170 || x === 210 || y === -10 || y === 20));
});

test("coastlines are cut where they start", () => {
  const points = Int16Array.from([0, 0, 100, 200, 300, 400, 500, 600, 700, 800]);
  const lines = linesOf(points.buffer, Int32Array.from([0, 2]).buffer);
  assert.deepEqual(lines.coordinates, [[[0, 0], [1, 2]], [[3, 4], [5, 6], [7, 8]]]);
});
