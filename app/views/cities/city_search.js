// A search box over the cities with the selected ones as chips: type, arrows, Enter.
const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

export function render({model}) {
  const root = document.createElement("div");
  root.className = "search";
  root.innerHTML = `<div class="field"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M10 4a6 6 0 1 0 3.7 10.7l4.8 4.8 1.4-1.4-4.8-4.8A6 6 0 0 0 10 4zm0 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8z"/></svg>
      <input type="text" role="combobox" aria-expanded="false" aria-autocomplete="list" aria-controls="found" aria-label="Find a city"
        placeholder="Find a city ( / )" spellcheck="false" autocomplete="off"></div>
    <ul id="found" role="listbox" aria-label="Cities found" hidden></ul>
    <div class="chips" role="group" aria-label="Selected cities"></div>`;
  const input = root.querySelector("input"), list = root.querySelector("ul"), chips = root.querySelector(".chips");
  let found = [], active = 0;

  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const highlight = () => {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
    list.children[active]?.scrollIntoView({block: "nearest"});
    if (found.length) { input.setAttribute("aria-activedescendant", `found-${active}`); }
  };
  const choose = ([name]) => {
    if (!model.selected.includes(name)) { model.selected = [...model.selected, name]; }
    input.value = "";
    close();
  };
  const search = () => {
    const text = plain(input.value.trim());
    const starts = model.cities.filter(([name]) => plain(name).startsWith(text));
    const holds = model.cities.filter(([name, country]) => !plain(name).startsWith(text) && plain(`${name} ${country}`).includes(text));
    found = [...starts, ...holds].slice(0, 60);
    active = 0;
    list.replaceChildren(...found.map(([name, country], i) => {
      const item = document.createElement("li");
      item.id = `found-${i}`;
      item.setAttribute("role", "option");
      const land = document.createElement("span");
      land.textContent = country;
      item.append(name, land);
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(found[i]); });
      return item;
    }));
    if (!found.length) {
      const item = document.createElement("li");
      item.className = "none";
      item.textContent = "None of the 150 cities";
      list.append(item);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    highlight();
  };
  input.addEventListener("input", search);
  input.addEventListener("focus", search);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) { search(); }
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length);
      highlight();
    } else if (event.key === "Enter" && !list.hidden && found.length) {
      choose(found[active]);
    } else if (event.key === "Escape") {
      input.value = "";
      close();
    } else if (event.key === "Backspace" && input.value === "" && model.selected.length) {
      model.selected = model.selected.slice(0, -1);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });

  const show = () => {
    chips.replaceChildren(...model.selected.map((name) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = name;
      chip.setAttribute("aria-label", `Remove ${name}`);
      chip.title = `Remove ${name}`;
      chip.addEventListener("click", () => { model.selected = model.selected.filter((one) => one !== name); });
      return chip;
    }));
  };
  const focus = () => { if (model.focused > 0) { input.focus(); input.select(); } };
  model.on("selected", show);
  model.on("focused", focus);
  show();
  // Asked for before it was there: the key that opened the view was the slash.
  if (model.focused > 0) { setTimeout(focus); }
  return root;
}
