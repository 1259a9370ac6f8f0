// A short guided tour: a card that tells one thing at a time, and is gone for good once it was closed. It lies over the end of the side bar, which
// gets room to scroll, and never over results; without a side bar it is a sheet at the bottom that can be folded.
const KEY = "atmodist-studio-tour";
const GAP = 10;

const STYLE = `
.tour-card { position: fixed; z-index: 1201; box-sizing: border-box; border-radius: 12px; padding: 12px 14px; background: #0f2438; color: #f4f7fa;
  box-shadow: 0 4px 18px rgba(0, 0, 0, .3); font: 13px/1.45 Roboto, Helvetica, Arial, sans-serif; }
.tour-card h2 { margin: 0 0 4px 0; font-size: 14.5px; } .tour-card p { margin: 0 0 8px 0; }
.tour-card .foot { display: flex; align-items: center; gap: 8px; } .tour-card .count { margin-right: auto; color: #9fb4c9; font-size: 12px; white-space: nowrap; }
.tour-card button { font: inherit; border: 1px solid #4a6684; background: transparent; color: inherit; border-radius: 7px; padding: 3px 10px; cursor: pointer; white-space: nowrap; }
.tour-card button.next { background: #f4f7fa; color: #0f2438; border-color: #f4f7fa; } .tour-card button:focus-visible { outline: 2px solid #e69f00; outline-offset: 2px; }
.tour-card .fold { display: none; } .tour-card.sheet .fold { display: inline-block; }
.tour-card.sheet { z-index: 1100; border-radius: 12px 12px 0 0; max-height: 40vh; overflow: auto; }
.tour-card.folded { padding: 5px 14px; } .tour-card.folded :is(h2, p, .skip, .next) { display: none; }
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
  let step = 0, folded = null, padded = null;

  // The side bar and the main area belong to the page's own shadow root, some levels above this one.
  const find = (selector) => {
    for (let scope = root.getRootNode(); scope; scope = scope.host?.getRootNode()) {
      const found = scope.querySelector(selector);
      if (found) { return found; }
    }
    return null;
  };
  const release = () => {
    if (padded) { padded.style.paddingBottom = ""; padded = null; }
    root.style.height = "";
  };
  const place = () => {
    release();
    if (!card.isConnected) { return; }
    const bar = find(".MuiDrawer-docked .sidebar")?.getBoundingClientRect();
    const has_bar = bar !== undefined && bar.right > 200;
    card.classList.toggle("sheet", !has_bar);
    // Beside a closed side bar on a wide screen only its head is shown, until somebody unfolds it.
    card.classList.toggle("folded", !has_bar && (folded ?? window.innerWidth > 640));
    const width = has_bar ? bar.width - 2 * GAP : Math.min(window.innerWidth, 460);
    Object.assign(card.style, {left: has_bar ? `${bar.left + GAP}px` : "0", bottom: has_bar ? `${GAP}px` : "0", width: `${width}px`});
    const room = card.getBoundingClientRect().height + 2 * GAP;
    if (has_bar) {
      padded = find(".MuiDrawer-docked .sidebar");
      padded.style.paddingBottom = `${room}px`;
    } else {
      root.style.height = `${room}px`;
    }
  };
  // The main area changes its width when the side bar opens or closes.
  const observer = new ResizeObserver(place);
  const observe = (tries) => {
    const main = find("main");
    if (main) { observer.observe(main); } else if (tries > 0) { setTimeout(() => observe(tries - 1), 100); }
    place();
  };

  // Escape closes it wherever the focus is; a list or a dialog that is open, and takes the key for itself, comes first.
  const on_key = (event) => { if (event.key === "Escape" && !event.defaultPrevented) { close(); } };
  const close = () => { card.remove(); observer.disconnect(); release(); document.removeEventListener("keydown", on_key); remember(); };
  const button = (text, name, act) => {
    const one = document.createElement("button");
    one.type = "button";
    one.textContent = text;
    one.className = name;
    one.addEventListener("click", act);
    return one;
  };
  const show = (focus) => {
    const [title, text] = model.steps[step];
    const last = step === model.steps.length - 1;
    const heading = document.createElement("h2");
    heading.textContent = title;
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    const foot = document.createElement("div");
    foot.className = "foot";
    const count = document.createElement("span");
    count.className = "count";
    count.textContent = `Tour, ${step + 1} of ${model.steps.length}`;
    const fold = button("", "fold", () => { folded = !card.classList.contains("folded"); place(); name_fold(); });
    const name_fold = () => {
      fold.textContent = card.classList.contains("folded") ? "Unfold" : "Fold";
      fold.setAttribute("aria-expanded", String(!card.classList.contains("folded")));
    };
    const next = button(last ? "Done" : "Next", "next", () => { if (last) { close(); } else { step += 1; show(true); } });
    foot.append(count, fold);
    if (!last) { foot.append(button("Skip the tour", "skip", close)); }
    foot.append(next);
    card.replaceChildren(heading, paragraph, foot);
    root.append(card);
    document.addEventListener("keydown", on_key);
    observe(50);
    name_fold();
    if (focus) { next.focus(); }
  };
  // What is typed in the card is not meant for the page, but Escape, which it hears itself.
  card.addEventListener("keydown", (event) => { if (event.key !== "Escape") { event.stopPropagation(); } });
  model.on("started", () => { step = 0; folded = false; show(true); });
  model.on("remove", () => { observer.disconnect(); release(); document.removeEventListener("keydown", on_key); });
  if (!seen()) { setTimeout(() => show(false)); }
  return root;
}
