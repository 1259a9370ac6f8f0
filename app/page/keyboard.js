// Keys for the whole page: arrows step through time, 0, 1, 2 (and so on) switch views, / finds a city. Not while somebody types or moves a slider.
export function render({model}) {
  const own_keys = new Set(["INPUT", "TEXTAREA", "SELECT"]);
  const handler = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    // The focus may be inside nested shadow roots: the first element of the path is where the key was pressed.
    const target = event.composedPath()[0];
    const role = target?.getAttribute?.("role");
    if (own_keys.has(target?.tagName) || target?.isContentEditable || ["slider", "listbox", "option", "combobox", "gridcell"].includes(role)) {
      return;
    }
    const key = event.key;
    // "/" finds a city, in the view Cities.
    if (key === "ArrowLeft" || key === "ArrowRight" || key === "/" || /^[0-9]$/.test(key)) {
      model.send_msg({key});
      event.preventDefault();
    }
  };
  document.addEventListener("keydown", handler);
  model.on("remove", () => document.removeEventListener("keydown", handler));
  const nothing = document.createElement("span");
  nothing.hidden = true;
  return nothing;
}
