// The orthographic view of a globe with north up: where a place is on the screen, which place is at a point of the screen, and how
// to turn the globe so that a place comes to a point. Angles are in degrees, screen lengths in pixels.

const RADIANS = Math.PI / 180;
export const LEAST_ZOOM = 0.7;
export const LARGEST_ZOOM = 14;

/** Longitude within -180..180. */
export function wrapped(longitude) {
  return ((longitude + 180) % 360 + 360) % 360 - 180;
}

export function clamped(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** What is seen: the place in the middle, the zoom, and the size of the picture. */
export class View {
  constructor({longitude = 0, latitude = 0, zoom = 1, width = 400, height = 400} = {}) {
    Object.assign(this, {longitude, latitude, zoom, width, height});
  }

  /** Radius of the globe in pixels. */
  get radius() {
    return 0.47 * Math.min(this.width, this.height) * this.zoom;
  }

  turned(longitude, latitude) {
    return new View({...this, longitude: wrapped(longitude), latitude: clamped(latitude, -90, 90)});
  }

  zoomed(factor) {
    return new View({...this, zoom: clamped(this.zoom * factor, LEAST_ZOOM, LARGEST_ZOOM)});
  }

  sized(width, height) {
    return new View({...this, width, height});
  }

  /** Point of the screen of a place, and whether it is on the near side. */
  screen(longitude, latitude) {
    const [right, up, toward] = this._seen(longitude, latitude);
    return {x: this.width / 2 + right * this.radius, y: this.height / 2 - up * this.radius, visible: toward > 0};
  }

  /** Place at a point of the screen, as [longitude, latitude]; null beside the globe. */
  place(x, y) {
    const right = (x - this.width / 2) / this.radius, up = (this.height / 2 - y) / this.radius;
    const square = right * right + up * up;
    if (square > 1) { return null; }
    const toward = Math.sqrt(1 - square);
    const [s, c] = [Math.sin(this.latitude * RADIANS), Math.cos(this.latitude * RADIANS)];
    const north = up * c + toward * s;
    const east = Math.atan2(right, toward * c - up * s);
    return [wrapped(this.longitude + east / RADIANS), Math.asin(clamped(north, -1, 1)) / RADIANS];
  }

  /** The view turned so that a place comes to a point of the screen; null where no turn with north up does it. */
  bringing([longitude, latitude], x, y) {
    const right = (x - this.width / 2) / this.radius, up = (this.height / 2 - y) / this.radius;
    const sine = Math.sin(latitude * RADIANS), cosine = Math.cos(latitude * RADIANS);
    if (Math.abs(right) > cosine || right * right + up * up > 1) { return null; }
    const east = Math.asin(right / cosine);
    let best = null;
    // Two turns of the longitude (the place before or behind the axis) and two tilts each: the nearest to what is seen is meant.
    for (const angle of [east, Math.PI - east]) {
      const forward = Math.cos(angle) * cosine, size = Math.hypot(sine, forward);
      if (Math.abs(up) > size) { continue; }
      for (const sign of [1, -1]) {
        const tilt = (sign * Math.acos(up / size) - Math.atan2(forward, sine)) / RADIANS;
        const centre = wrapped(tilt);
        if (Math.abs(centre) > 90) { continue; }
        const candidate = this.turned(longitude - angle / RADIANS, centre);
        if (!candidate.screen(longitude, latitude).visible) { continue; }
        const distance = Math.abs(centre - this.latitude) + Math.abs(wrapped(candidate.longitude - this.longitude));
        if (best === null || distance < best.distance) { best = {distance, candidate}; }
      }
    }
    return best === null ? null : best.candidate;
  }

  /** The view after a drag by so many pixels, for where `bringing` has no answer. */
  dragged(dx, dy) {
    const degrees = 1 / RADIANS / this.radius;
    const slowed = Math.max(0.25, Math.cos(this.latitude * RADIANS));
    return this.turned(this.longitude - dx * degrees / slowed, this.latitude + dy * degrees);
  }

  _seen(longitude, latitude) {
    const east = (longitude - this.longitude) * RADIANS, phi = latitude * RADIANS, tilt = this.latitude * RADIANS;
    const forward = Math.cos(phi) * Math.cos(east);
    return [
      Math.cos(phi) * Math.sin(east),
      Math.sin(phi) * Math.cos(tilt) - forward * Math.sin(tilt),
      Math.sin(phi) * Math.sin(tilt) + forward * Math.cos(tilt),
    ];
  }
}
