// Tables of the scorecard: pointing at a cell or moving the focus to it explains it, selecting it opens the view that shows why.
export function render({model}) {
  const root = document.createElement("div"), tip = document.createElement("div");
  root.className = "tables";
  tip.className = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  const fill = () => {
    root.replaceChildren(...model.tables.map((table) => {
      const card = document.createElement("div");
      card.className = "card";
      card.innerHTML = table;
      return card;
    }), tip);
    tip.hidden = true;
  };
  const theme = () => root.classList.toggle("dark", model.dark);
  let explained = null;
  const place = () => {
    if (!explained) { return; }
    const at = explained.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const below = at.bottom + 6 + size.height < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - size.width - 8))}px`;
    tip.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)}px`;
  };
  let pointer = "";
  const explain = (event) => {
    if (event.type === "pointerover") {
      // The page may scroll under a pointer at rest, which is no wish to read another cell.
      const moved = `${event.clientX} ${event.clientY}`;
      if (moved === pointer) { return; }
      pointer = moved;
    }
    explained = event.target.closest?.("[data-tip]") ?? null;
    tip.hidden = !explained;
    tip.textContent = explained?.dataset.tip ?? "";
    place();
  };
  const hide = () => { explained = null; tip.hidden = true; };
  root.addEventListener("pointerover", explain);
  root.addEventListener("focusin", explain);
  root.addEventListener("pointerleave", hide);
  root.addEventListener("focusout", hide);
  // Moving the focus scrolls the page: the explanation moves with its cell.
  window.addEventListener("scroll", place, true);
  root.addEventListener("click", (event) => {
    const cell = event.target.closest("button[data-measure]");
    if (cell) { hide(); model.send_msg({measure: cell.dataset.measure, model: cell.dataset.model, field: cell.dataset.field}); }
  });
  model.on("tables", fill);
  model.on("dark", theme);
  model.on("remove", () => window.removeEventListener("scroll", place, true));
  fill();
  theme();
  return root;
}
