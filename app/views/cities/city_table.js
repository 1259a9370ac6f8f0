// A table of the cities: sorted by its heads, filtered by text and verdict; a click on a row selects the city.
const SIGNS = {better: "▲", equal: "●", worse: "▼"};
const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

export function render({model}) {
  const root = document.createElement("div");
  root.innerHTML = `<div class="filters"><input type="search" aria-label="Filter cities and countries" placeholder="Filter cities and countries">
      <select aria-label="Filter by verdict"><option value="">Every verdict</option><option value="better">▲ better</option>
        <option value="equal">● equal</option><option value="worse">▼ worse</option></select><span class="count" role="status"></span><span class="caption"></span></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of the cities"><table><thead><tr></tr></thead><tbody></tbody></table></div>`;
  const [filter, verdict] = [root.querySelector("input"), root.querySelector("select")];
  const head = root.querySelector("thead tr"), body = root.querySelector("tbody"), count = root.querySelector(".count"), caption = root.querySelector(".caption");
  let sorted = {column: 0, down: false};

  const cell = (row, column) => row[column];
  const compare = (a, b) => {
    const [x, y] = [cell(a, sorted.column), cell(b, sorted.column)], way = sorted.down ? -1 : 1;
    if (x == null || y == null) { return (x == null) - (y == null); }
    return way * (typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en"));
  };
  const heads = () => {
    head.replaceChildren(...model.columns.map(({label, title, kind}, i) => {
      const th = document.createElement("th"), button = document.createElement("button");
      th.scope = "col";
      th.className = kind;
      th.setAttribute("aria-sort", i !== sorted.column ? "none" : sorted.down ? "descending" : "ascending");
      button.type = "button";
      button.textContent = label;
      button.title = title;
      button.addEventListener("click", () => {
        // The next click on numbers shows the largest first; on names, the alphabet.
        sorted = {column: i, down: i === sorted.column ? !sorted.down : kind === "number"};
        heads();
        rows();
      });
      th.append(button);
      return th;
    }));
  };
  const rows = () => {
    const text = plain(filter.value.trim()), chosen = new Set(model.selected);
    const at = model.columns.findIndex(({kind}) => kind === "verdict");
    const kept = model.rows.filter((row) => (!text || plain(`${row[0]} ${row[1]}`).includes(text)) && (!verdict.value || row[at] === verdict.value));
    kept.sort(compare);
    count.textContent = kept.length === model.rows.length ? `${kept.length} cities` : `${kept.length} of ${model.rows.length} cities`;
    body.replaceChildren(...kept.map((row) => {
      const tr = document.createElement("tr"), name = row[0];
      tr.className = chosen.has(name) ? "chosen" : "";
      tr.setAttribute("aria-selected", String(chosen.has(name)));
      const numbers = model.columns.map(({kind}, i) => kind === "number" ? row[i] : null).filter((one) => one != null);
      const least = Math.min(...numbers);
      model.columns.forEach(({kind}, i) => {
        const value = row[i], td = document.createElement(i === 0 ? "th" : "td");
        td.className = kind;
        if (i === 0) {
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = name;
          button.title = `Select ${name}; with Shift, add it`;
          td.scope = "row";
          td.append(button);
        } else if (kind === "number") {
          td.textContent = value == null ? "–" : value.toPrecision(3);
          td.classList.toggle("least", value === least && numbers.length > 1);
        } else if (kind === "verdict") {
          td.textContent = SIGNS[value] === undefined ? "–" : `${SIGNS[value]} ${value}`;
          td.classList.add(value ?? "none");
        } else {
          td.textContent = value;
        }
        tr.append(td);
      });
      tr.addEventListener("click", (event) => {
        const others = model.selected.filter((one) => one !== name);
        const adding = event.shiftKey || event.ctrlKey || event.metaKey;
        model.selected = !adding ? [name] : others.length < model.selected.length ? others : [...model.selected, name];
      });
      return tr;
    }));
  };
  filter.addEventListener("input", rows);
  verdict.addEventListener("change", rows);
  model.on("columns", () => { if (sorted.column >= model.columns.length) { sorted = {column: 0, down: false}; } heads(); rows(); });
  model.on(["rows", "selected"], rows);
  const name = () => { caption.textContent = model.caption; };
  model.on("caption", name);
  name();
  heads();
  rows();
  return root;
}
