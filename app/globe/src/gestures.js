// Pointers, wheel and keys turned into views, boxes and taps.

import {boxOf, isBox} from "./box.js";

const TAP_PIXELS = 5;
const FRICTION_PER_MS = 0.0042;
const calm = () => window.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;

/**
 * Listens on the canvas. `globe` has: view (get and set), moving(), drawing, onBox(box or null, done), onTap(x, y, adding, coarse),
 * onHover(x, y or null), onKey(event).
 */
export class Gestures {
  constructor(canvas, globe) {
    Object.assign(this, {canvas, globe, pointers: new Map(), held: null, start: null, corner: null, speed: null, glide: 0});
    const listen = (name, handler) => canvas.addEventListener(name, handler.bind(this), {passive: false});
    listen("pointerdown", this.down);
    listen("pointermove", this.move);
    listen("pointerup", this.up);
    listen("pointercancel", this.cancel);
    listen("pointerleave", () => globe.onHover(null));
    listen("wheel", this.wheel);
    listen("keydown", (event) => globe.onKey(event));
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button > 0) { return; }
    const [x, y] = this.at(event), {globe} = this;
    this.stop();
    this.canvas.focus({preventScroll: true});
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [x, y]);
    this.far = false;
    this.start = [x, y];
    const place = globe.view.place(x, y);
    if (this.pointers.size === 1 && place !== null && (globe.drawing || event.shiftKey)) {
      this.corner = place;
      this.adding = event.shiftKey;
      return;
    }
    this.corner = null;
    globe.onBox(null, false);
    this.held = place;
    this.pinch = this.pointers.size === 2 ? this._spread() : null;
    this.speed = {time: event.timeStamp, dx: 0, dy: 0};
  }

  move(event) {
    const [x, y] = this.at(event), {globe} = this, before = this.pointers.get(event.pointerId);
    if (before === undefined) { globe.onHover([x, y]); return; }
    const [dx, dy] = [x - before[0], y - before[1]];
    this.pointers.set(event.pointerId, [x, y]);
    this.far ||= Math.hypot(x - this.start[0], y - this.start[1]) > TAP_PIXELS;
    if (!this.far) { return; }
    if (this.corner !== null) {
      const place = globe.view.place(x, y);
      if (place !== null) { globe.onBox(boxOf(this.corner, place), false); }
    } else if (this.pinch !== null && this.pointers.size === 2) {
      const spread = this._spread();
      globe.view = globe.view.zoomed(spread / this.pinch).dragged(dx / 2, dy / 2);
      this.pinch = spread;
    } else {
      this._drag(x, y, dx, dy);
      const passed = Math.max(1, event.timeStamp - this.speed.time);
      this.speed = {time: event.timeStamp, dx: 0.6 * dx / passed + 0.4 * this.speed.dx, dy: 0.6 * dy / passed + 0.4 * this.speed.dy};
    }
    globe.moving();
  }

  up(event) {
    const [x, y] = this.at(event), {globe} = this;
    const one = this.pointers.size === 1;
    this.pointers.delete(event.pointerId);
    if (this.pointers.size > 0) { this.held = null; this.pinch = null; return; }
    if (!this.far && one) {
      globe.onBox(null, false);
      globe.onTap(x, y, event.shiftKey || event.ctrlKey || event.metaKey, event.pointerType === "touch");
    } else if (this.corner !== null) {
      const place = globe.view.place(x, y), box = place === null ? globe.box : boxOf(this.corner, place);
      globe.onBox(box !== null && isBox(box) ? box : null, true);
    } else if (one && this.speed !== null && event.timeStamp - this.speed.time < 60) {
      this.coast();
    }
    this.corner = this.held = this.pinch = null;
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.corner = this.held = this.pinch = null;
    this.globe.onBox(null, false);
  }

  wheel(event) {
    event.preventDefault();
    this.stop();
    const [x, y] = this.at(event), {globe} = this, place = globe.view.place(x, y);
    const pixels = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
    const zoomed = globe.view.zoomed(Math.exp(-Math.max(-120, Math.min(120, pixels)) * 0.0022));
    // The place under the pointer stays there.
    globe.view = (place === null ? null : zoomed.bringing(place, x, y)) ?? zoomed;
    globe.moving();
  }

  /** Turn on after a throw, slower and slower. */
  coast() {
    const {dx, dy} = this.speed;
    if (calm() || Math.hypot(dx, dy) < 0.15) { return; }
    let last = performance.now(), [vx, vy] = [dx, dy];
    const frame = (now) => {
      const passed = Math.min(50, now - last);
      last = now;
      const kept = Math.exp(-FRICTION_PER_MS * passed);
      [vx, vy] = [vx * kept, vy * kept];
      this.globe.view = this.globe.view.dragged(vx * passed, vy * passed);
      this.globe.moving();
      this.glide = Math.hypot(vx, vy) > 0.02 ? requestAnimationFrame(frame) : 0;
    };
    this.glide = requestAnimationFrame(frame);
  }

  stop() {
    cancelAnimationFrame(this.glide);
    this.glide = 0;
  }

  _drag(x, y, dx, dy) {
    const {globe} = this;
    const follows = this.held === null ? null : globe.view.bringing(this.held, x, y);
    const near = follows !== null && Math.hypot(...turn(follows, globe.view)) < 30;
    if (near) {
      globe.view = follows;
    } else {
      globe.view = globe.view.dragged(dx, dy);
      this.held = null;
    }
  }

  _spread() {
    const [[ax, ay], [bx, by]] = [...this.pointers.values()];
    return Math.max(10, Math.hypot(ax - bx, ay - by));
  }
}

function turn(a, b) {
  return [((a.longitude - b.longitude + 540) % 360) - 180, a.latitude - b.latitude];
}
