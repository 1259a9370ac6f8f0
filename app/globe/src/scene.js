// What is on the canvas: the field, graticule, coast, regions, cities and their names.

import {geoGraticule10, geoOrthographic, geoPath} from "d3-geo";
import {paint} from "./drape.js";

const MOST_PIXELS = 1.6e6;
const INKS = {
  light: {
    ground: "#e9edf2", coast: "rgba(22,32,44,.82)", grid: "rgba(22,32,44,.13)", rim: "rgba(22,32,44,.35)", glow: "rgba(15,36,56,.16)",
    text: "#16202c", halo: "rgba(255,255,255,.92)", edge: "#16202c", region: "#16202c",
  },
  dark: {
    ground: "#0c1218", coast: "rgba(232,238,244,.78)", grid: "rgba(232,238,244,.12)", rim: "rgba(232,238,244,.35)", glow: "rgba(124,192,238,.22)",
    text: "#f4f7fa", halo: "rgba(12,18,24,.9)", edge: "#f4f7fa", region: "#f4f7fa",
  },
};

/** Draws a view of the globe; `moving` takes half the pixels and the coarser coast. */
export class Scene {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.buffer = document.createElement("canvas");
    this.graticule = geoGraticule10();
    this.field = null;
    this.rows = this.columns = 0;
    this.colours = new Uint32Array(256);
    this.coast = {moving: null, resting: null};
    this.cities = [];
    this.theme = "light";
  }

  draw(view, {moving, selected, hovered, region, box, ratio}) {
    const {context} = this, ink = INKS[this.theme] ?? INKS.light;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    this._ground(view, ink);
    if (this.field !== null && this.field.length === this.rows * this.columns && this.rows > 0) { this._drape(view, moving, ratio); }
    const projection = geoOrthographic().rotate([-view.longitude, -view.latitude]).scale(view.radius)
      .translate([view.width / 2, view.height / 2]).clipAngle(90).clipExtent([[-2, -2], [view.width + 2, view.height + 2]])
      .precision(moving ? 1.2 : 0.5);
    const path = geoPath(projection, context);
    const stroke = (object, style, width, dash = []) => {
      if (object === null) { return; }
      context.beginPath();
      path(object);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.setLineDash(dash);
      context.stroke();
      context.setLineDash([]);
    };
    context.lineJoin = "round";
    stroke(this.graticule, ink.grid, 0.7);
    stroke((moving ? null : this.coast.resting) ?? this.coast.moving, ink.coast, moving ? 0.9 : 0.8);
    if (region !== null) {
      stroke(region, ink.halo, 4);
      stroke(region, ink.region, 1.6);
    }
    if (box !== null) {
      stroke(box, ink.halo, 4);
      stroke(box, ink.region, 2, [5, 4]);
    }
    this._rim(view, ink);
    this._cities(view, ink, selected, hovered);
  }

  _ground(view, ink) {
    const {context} = this, [x, y, r] = [view.width / 2, view.height / 2, view.radius];
    const glow = context.createRadialGradient(x, y, r * 0.98, x, y, r * 1.06);
    glow.addColorStop(0, ink.glow);
    glow.addColorStop(1, "rgba(0,0,0,0)");
    context.fillStyle = glow;
    context.beginPath();
    context.arc(x, y, r * 1.06, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = ink.ground;
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
  }

  _rim(view, ink) {
    const {context} = this;
    context.beginPath();
    context.arc(view.width / 2, view.height / 2, view.radius, 0, 2 * Math.PI);
    context.lineWidth = 1;
    context.strokeStyle = ink.rim;
    context.stroke();
  }

  _drape(view, moving, ratio) {
    const full = view.width * view.height * ratio * ratio;
    const scale = moving ? 0.5 : ratio * Math.min(1, Math.sqrt(MOST_PIXELS / full));
    const width = Math.max(2, Math.round(view.width * scale)), height = Math.max(2, Math.round(view.height * scale));
    if (this.buffer.width !== width || this.buffer.height !== height) {
      this.buffer.width = width;
      this.buffer.height = height;
      this.image = null;
    }
    const context = this.buffer.getContext("2d");
    this.image ??= context.createImageData(width, height);
    paint(this.field, this.rows, this.columns, this.colours, view, new Uint32Array(this.image.data.buffer), width, height);
    context.putImageData(this.image, 0, 0);
    this.context.imageSmoothingEnabled = scale !== ratio;
    this.context.drawImage(this.buffer, 0, 0, view.width, view.height);
  }

  _cities(view, ink, selected, hovered) {
    const {context} = this, size = 4.2 + 0.9 * Math.min(3, view.zoom - 1);
    const chosen = new Set(selected), labels = [];
    for (const [index, city] of this.cities.entries()) {
      const {x, y, visible} = view.screen(city.longitude, city.latitude);
      if (!visible || x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) { continue; }
      const here = chosen.has(city.name) || index === hovered;
      const radius = chosen.has(city.name) ? size + 2.2 : size;
      if (chosen.has(city.name)) {
        context.beginPath();
        context.arc(x, y, radius + 4.5, 0, 2 * Math.PI);
        context.lineWidth = 4.5;
        context.strokeStyle = ink.halo;
        context.stroke();
        context.lineWidth = 2.2;
        context.strokeStyle = ink.edge;
        context.stroke();
      }
      mark(context, city.shape, x, y, radius);
      context.lineWidth = 2.6;
      context.strokeStyle = ink.halo;
      context.stroke();
      context.fillStyle = city.colour;
      context.fill();
      context.lineWidth = here ? 1.6 : 0.9;
      context.strokeStyle = ink.edge;
      context.stroke();
      if (here) { labels.push({name: city.name, x, y: y - radius - 8}); }
    }
    context.font = "600 12.5px Roboto, Helvetica, Arial, sans-serif";
    context.textAlign = "center";
    for (const {name, x, y} of labels) {
      context.lineWidth = 4;
      context.strokeStyle = ink.halo;
      context.strokeText(name, x, y);
      context.fillStyle = ink.text;
      context.fillText(name, x, y);
    }
  }
}

/** Path of a mark: shapes say what colours say, for eyes and printers that do not tell the colours apart. */
export function mark(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "up" || shape === "down") {
    const s = shape === "up" ? -1 : 1, w = 1.15 * r;
    context.moveTo(x, y + s * 1.3 * r);
    context.lineTo(x + w, y - s * 0.85 * r);
    context.lineTo(x - w, y - s * 0.85 * r);
    context.closePath();
  } else if (shape === "dash") {
    context.rect(x - 1.05 * r, y - 0.5 * r, 2.1 * r, r);
  } else {
    context.arc(x, y, shape === "small" ? 0.6 * r : 0.92 * r, 0, 2 * Math.PI);
  }
}
