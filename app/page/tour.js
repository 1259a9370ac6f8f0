// A short guided tour: a card in the corner that tells one thing at a time, and is gone for good once it was closed.
const KEY = "atmodist-studio-tour";

const STYLE = `
.tour-card { position: fixed; right: 22px; bottom: 22px; width: 360px; max-width: calc(100vw - 76px); z-index: 1200; border-radius: 12px; padding: 14px 16px 12px 16px;
  background: #0f2438; color: #f4f7fa; box-shadow: 0 8px 30px rgba(0, 0, 0, .35); font: 13.5px/1.5 Roboto, Helvetica, Arial, sans-serif; }
.tour-card h2 { margin: 0 0 4px 0; font-size: 15px; } .tour-card p { margin: 0 0 10px 0; }
.tour-card .foot { display: flex; align-items: center; gap: 8px; } .tour-card .count { margin-right: auto; color: #9fb4c9; font-size: 12px; }
.tour-card button { font: inherit; border: 1px solid #4a6684; background: transparent; color: inherit; border-radius: 7px; padding: 4px 12px; cursor: pointer; }
.tour-card button.next { background: #f4f7fa; color: #0f2438; border-color: #f4f7fa; } .tour-card button:focus-visible { outline: 2px solid #e69f00; outline-offset: 2px; }
`;

function seen() { try { return window.localStorage.getItem(KEY) !== null; } catch { return true; } }
function remember() { try { window.localStorage.setItem(KEY, "seen"); } catch { /* private windows may forbid it */ } }

export function render({model}) {
  const root = document.createElement("div");
  const style = document.createElement("style");
  style.textContent = STYLE;
  const card = document.createElement("section");
  card.className = "tour-card";
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", "Guided tour");
  root.append(style);
  let place = 0;

  // Escape closes it wherever the focus is; a list or a dialog that is open, and takes the key for itself, comes first.
  const on_key = (event) => { if (event.key === "Escape" && !event.defaultPrevented) { close(); } };
  const close = () => { card.remove(); document.removeEventListener("keydown", on_key); remember(); };
  const button = (text, name, act) => {
    const one = document.createElement("button");
    one.type = "button";
    one.textContent = text;
    one.className = name;
    one.addEventListener("click", act);
    return one;
  };
  const show = (focus) => {
    const [title, text] = model.steps[place];
    const last = place === model.steps.length - 1;
    const heading = document.createElement("h2");
    heading.textContent = title;
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    const foot = document.createElement("div");
    foot.className = "foot";
    const count = document.createElement("span");
    count.className = "count";
    count.textContent = `${place + 1} of ${model.steps.length}`;
    const next = button(last ? "Done" : "Next", "next", () => { if (last) { close(); } else { place += 1; show(true); } });
    foot.append(count);
    if (!last) { foot.append(button("Skip the tour", "skip", close)); }
    foot.append(next);
    card.replaceChildren(heading, paragraph, foot);
    root.append(card);
    document.addEventListener("keydown", on_key);
    if (focus) { next.focus(); }
  };
  // What is typed in the card is not meant for the page, but Escape, which it hears itself.
  card.addEventListener("keydown", (event) => { if (event.key !== "Escape") { event.stopPropagation(); } });
  model.on("started", () => { place = 0; show(true); });
  model.on("remove", () => document.removeEventListener("keydown", on_key));
  if (!seen()) { show(false); }
  return root;
}
