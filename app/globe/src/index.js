// The globe as a component of the page. Parameters of the model: see app/globe/component.py.

import {isBox, outline} from "./box.js";
import {pixelsOf, pointAt} from "./drape.js";
import {Gestures} from "./gestures.js";
import {bufferOf, linesOf} from "./lines.js";
import {Scene} from "./scene.js";
import {STYLES} from "./styles.js";
import {View} from "./view.js";
import {placeText, valueText} from "./words.js";

const REST_MS = 140;
const REACH = {fine: 12, coarse: 24};
const KEYS = "Arrow keys turn the globe, plus and minus zoom, Home goes back, Enter selects the city nearest to the middle.";

export function render({model}) {
  const root = document.createElement("div");
  root.className = "globe";
  root.innerHTML = `<style>${STYLES}</style>
    <canvas class="globe-canvas" tabindex="0" role="application" aria-roledescription="globe"></canvas>
    <div class="tip" hidden></div>
    <div class="buttons" role="group" aria-label="Globe">
      <button type="button" data-do="in" title="Zoom in (+)" aria-label="Zoom in">+</button>
      <button type="button" data-do="out" title="Zoom out (−)" aria-label="Zoom out">−</button>
      <button type="button" data-do="home" title="Back to the first view (Home)" aria-label="Back to the first view">⌂</button>
      <button type="button" data-do="draw" class="draw" aria-pressed="false" title="Draw a region (or drag with Shift)" aria-label="Draw a region">▭</button>
    </div>
    <div class="hint" hidden>Drag over the globe to draw a region</div>
    <div class="said" role="status" aria-live="polite"></div>`;
  const canvas = root.querySelector("canvas"), tip = root.querySelector(".tip"), said = root.querySelector(".said");
  const scene = new Scene(canvas);
  const home = {longitude: model.longitude, latitude: model.latitude, zoom: model.zoom};
  const globe = {view: new View(home), box: null, hovered: -1, drawing: false, frames: 0, work: []};
  let resting = 0, asked = 0, isMoving = false;

  const drawNow = () => {
    asked = 0;
    const started = performance.now();
    const {region} = model, whole = region.length !== 4 || region[3] - region[2] >= 360;
    const line = (box) => ({type: "LineString", coordinates: outline(box)});
    scene.draw(globe.view, {
      moving: isMoving, selected: model.selected, hovered: globe.hovered, ratio: canvas.width / Math.max(1, globe.view.width),
      region: whole ? null : line(region), box: globe.box === null || !isBox(globe.box) ? null : line(globe.box),
    });
    globe.frames += 1;
    globe.work = [...globe.work.slice(-299), performance.now() - started];
  };
  const draw = () => { asked ||= requestAnimationFrame(drawNow); };

  globe.moving = () => {
    isMoving = true;
    clearTimeout(resting);
    resting = setTimeout(() => {
      isMoving = false;
      draw();
      Object.assign(model, {longitude: globe.view.longitude, latitude: globe.view.latitude, zoom: globe.view.zoom});
    }, REST_MS);
    draw();
  };

  const nearest = (x, y, reach) => {
    let best = -1, least = reach;
    for (const [index, city] of scene.cities.entries()) {
      const seen = globe.view.screen(city.longitude, city.latitude), distance = Math.hypot(seen.x - x, seen.y - y);
      if (seen.visible && distance < least) { [best, least] = [index, distance]; }
    }
    return best;
  };
  const choose = (index, adding) => {
    const name = scene.cities[index].name, {selected} = model;
    const others = selected.filter((one) => one !== name);
    model.selected = !adding ? [name] : others.length < selected.length ? others : [...selected, name];
  };

  globe.onTap = (x, y, adding, coarse) => {
    const index = nearest(x, y, coarse ? REACH.coarse : REACH.fine);
    if (index >= 0) { choose(index, adding); }
  };
  globe.onBox = (box, done) => {
    globe.box = done ? null : box;
    if (done && box !== null) {
      model.send_msg({region: box});
      setDrawing(false);
    }
    draw();
  };
  globe.onHover = (point) => {
    const index = point === null ? -1 : nearest(...point, REACH.fine), place = point === null ? null : globe.view.place(...point);
    tip.hidden = point === null || (index < 0 && place === null);
    if (!tip.hidden) {
      const city = scene.cities[index];
      const value = place === null || scene.field === null ? "" : valueText(scene.field[pointAt(...place, scene.rows, scene.columns)], model.low, model.high, model.unit);
      const lines = city === undefined ? [placeText(...place), value] : [`${city.name}, ${city.country}`, city.note, value];
      tip.replaceChildren(...lines.filter(Boolean).map((text, i) => {
        const line = document.createElement(i === 0 ? "b" : "span");
        line.textContent = text;
        return line;
      }));
      const left = Math.min(point[0] + 14, globe.view.width - tip.offsetWidth - 4);
      tip.style.transform = `translate(${Math.max(4, left)}px, ${point[1] + 16}px)`;
    }
    canvas.style.cursor = globe.drawing ? "crosshair" : index >= 0 ? "pointer" : place === null ? "default" : "grab";
    if (index !== globe.hovered) {
      globe.hovered = index;
      draw();
    }
  };
  globe.onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    const step = (event.shiftKey ? 3 : 12) / globe.view.zoom, {longitude, latitude} = globe.view;
    const turns = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]}[event.key];
    if (turns !== undefined) {
      globe.view = globe.view.turned(longitude + turns[0], latitude + turns[1]);
    } else if (event.key === "+" || event.key === "=") {
      globe.view = globe.view.zoomed(1.25);
    } else if (event.key === "-" || event.key === "_") {
      globe.view = globe.view.zoomed(0.8);
    } else if (event.key === "Home") {
      goHome();
    } else if (event.key === "Enter" || event.key === " ") {
      const index = nearest(globe.view.width / 2, globe.view.height / 2, 1e9);
      if (index >= 0) { choose(index, event.shiftKey || event.ctrlKey); }
    } else if (event.key === "Escape") {
      setDrawing(false);
      globe.onBox(null, false);
    } else {
      return;
    }
    // The page steps through time with the arrows; here they turn the globe.
    event.preventDefault();
    event.stopPropagation();
    globe.moving();
    sayMiddle();
  };
  const gestures = new Gestures(canvas, globe);

  const goHome = () => { globe.view = new View({...globe.view, ...home}); };
  const setDrawing = (on) => {
    globe.drawing = on;
    root.classList.toggle("drawing", on);
    root.querySelector(".draw").setAttribute("aria-pressed", String(on));
    root.querySelector(".hint").hidden = !on;
  };
  const act = {
    in: () => { globe.view = globe.view.zoomed(1.4); },
    out: () => { globe.view = globe.view.zoomed(1 / 1.4); },
    home: goHome,
    draw: () => setDrawing(!globe.drawing),
  };
  for (const button of root.querySelectorAll("button")) {
    button.addEventListener("click", () => { gestures.stop(); act[button.dataset.do](); globe.moving(); });
  }

  const say = () => {
    const chosen = scene.cities.filter((city) => model.selected.includes(city.name));
    said.textContent = chosen.length === 0 ? "No city is selected." : `Selected: ${chosen.map((city) => `${city.name}, ${city.country}. ${city.note}`).join("; ")}`;
    canvas.setAttribute("aria-label", `${model.label}. ${KEYS} ${said.textContent}`);
  };
  const sayMiddle = () => {
    const city = scene.cities[nearest(globe.view.width / 2, globe.view.height / 2, 1e9)];
    if (city !== undefined) { said.textContent = `Middle: ${placeText(globe.view.longitude, globe.view.latitude, 0)}; nearest city ${city.name}, ${city.country}.`; }
  };
  const readField = () => {
    [scene.rows, scene.columns] = [model.rows, model.columns];
    scene.field = model.field.byteLength === model.rows * model.columns ? new Uint8Array(bufferOf(model.field)) : null;
  };
  const readCities = () => {
    scene.cities = model.places.map(([name, country, latitude, longitude], i) => {
      const [shape, colour, note] = model.marks[i] ?? ["small", "#8a94a3", ""];
      return {name, country, latitude, longitude, shape, colour, note};
    });
    say();
  };
  const readStyle = () => {
    scene.theme = model.theme;
    root.dataset.theme = model.theme;
    scene.colours = pixelsOf(model.palette);
  };
  const readCoast = () => {
    scene.coast.moving = linesOf(model.coast_moving, model.coast_moving_starts);
    scene.coast.resting = linesOf(model.coast_resting, model.coast_resting_starts);
  };
  const turnTo = () => {
    const {longitude, latitude, zoom} = globe.view;
    if (isMoving || (longitude === model.longitude && latitude === model.latitude && zoom === model.zoom)) { return; }
    globe.view = new View({...globe.view, longitude: model.longitude, latitude: model.latitude, zoom: model.zoom});
    draw();
  };
  for (const read of [readField, readCities, readStyle, readCoast]) { read(); }
  const follow = (names, read) => model.on(names, () => { read(); draw(); });
  follow(["field", "rows", "columns"], readField);
  follow(["places", "marks"], readCities);
  follow(["theme", "palette"], readStyle);
  follow(["selected", "label"], say);
  model.on("region", draw);
  model.on(["longitude", "latitude", "zoom"], turnTo);

  const fit = () => {
    const {width, height} = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    if (width < 2 || height < 2) { return; }
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    globe.view = globe.view.sized(width, height);
    if (asked) { cancelAnimationFrame(asked); }
    drawNow();
  };
  const observer = new ResizeObserver(fit);
  observer.observe(canvas);
  model.on("remove", () => {
    observer.disconnect();
    gestures.stop();
    clearTimeout(resting);
    cancelAnimationFrame(asked);
  });
  // For tests and for the benchmark: where things are on the canvas, and how often it was drawn.
  canvas.globe = {
    position: (name) => {
      const city = scene.cities.find((one) => one.name === name);
      return city === undefined ? null : globe.view.screen(city.longitude, city.latitude);
    },
    screen: (longitude, latitude) => globe.view.screen(longitude, latitude),
    view: () => ({longitude: globe.view.longitude, latitude: globe.view.latitude, zoom: globe.view.zoom}),
    frames: () => globe.frames,
    work: () => globe.work,
    cities: () => scene.cities.map((city) => ({name: city.name, ...globe.view.screen(city.longitude, city.latitude)})),
    hasField: () => scene.field !== null,
  };
  return root;
}

export default {Globe: {render}};
