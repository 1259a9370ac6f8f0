// Tells the server how many pixels a box has: Bokeh keeps the size of a figure's frame to the browser.
export function render({model, el}) {
  const box = document.createElement("div");
  box.style.cssText = "position: absolute; inset: 0; visibility: hidden";
  let timer = null;
  const observer = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const {width, height} = box.getBoundingClientRect();
      if (width > 0 && height > 0) {
        model.columns = Math.round(width);
        model.rows = Math.round(height);
      }
    }, 150);
  });
  observer.observe(box);
  model.on("remove", () => observer.disconnect());
  return box;
}
