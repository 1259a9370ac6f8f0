// Draws a line or a box on any map with the pointer and shows it on all maps: by dragging, or by tapping at both ends.
// `mode` is "line", "box" or "" (then Shift and dragging draw a box); `sketch` is the line that the maps show, `drawn` takes the result, `pans`
// are the tools that move the maps. cb_obj is an event of a map, or `mode` when it has changed. Scripts run after Bokeh's tools have heard of an
// event: those that move the maps are switched off before a drag begins.
const quiet = {sync: false};
const here = [cb_obj.x, cb_obj.y];
const kind = memory.kind ?? (mode.text || (cb_obj.modifiers?.shift ? "box" : ""));

function hold(still) {
  for (const pan of pans) { pan.active = !still; }
}

function begin(dragging) {
  Object.assign(memory, {from: here, kind, dragging, before: sketch.data});
}

function outline() {
  const [from, to] = [memory.from, here];
  const [xs, ys] = kind === "line"
    ? [[from[0], to[0]], [from[1], to[1]]]
    : [[from[0], to[0], to[0], from[0], from[0]], [from[1], from[1], to[1], to[1], from[1]]];
  sketch.setv({data: {xs: [xs], ys: [ys]}}, quiet);
}

function finish() {
  // A line stays until the server has sent the great circle; a box leaves the transect that was there.
  if (kind === "box") { sketch.setv({data: memory.before}, quiet); }
  // The count makes two equal drawings two changes.
  memory.count = (memory.count ?? 0) + 1;
  drawn.text = JSON.stringify({kind, x: [memory.from[0], here[0]], y: [memory.from[1], here[1]], count: memory.count});
  Object.assign(memory, {from: null, kind: null, dragging: false});
  hold(mode.text !== "");
}

if (!memory.listening) {
  memory.listening = true;
  for (const [name, down] of [["keydown", true], ["keyup", false]]) {
    window.addEventListener(name, (event) => {
      if (event.key === "Shift" && mode.text === "" && memory.kind == null && !memory.moving) { hold(down); }
    });
  }
}
switch (cb_obj.event_name) {
  case "panstart":
    if (kind === "") { memory.moving = true; } else { begin(true); }
    break;
  case "pan":
    if (memory.dragging) { outline(); }
    break;
  case "panend":
    memory.moving = false;
    if (memory.dragging) { finish(); }
    break;
  case "tap":
    if (memory.from != null) { finish(); } else if (mode.text !== "") { begin(false); }
    break;
  case "mousemove":
    if (memory.from == null && !memory.moving) { hold(kind !== ""); }
    if (memory.from != null && !memory.dragging) { outline(); }
    break;
  default:
    memory.from = memory.kind = null;
    hold(mode.text !== "");
}
