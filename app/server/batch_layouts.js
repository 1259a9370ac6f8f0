// Bokeh lays out the whole page for every part that is shown, hidden or given a class: dozens of times while the page opens. This component
// makes all layouts within one frame a single one.
const LATEST_MS = 60;  // where no frames are drawn: a page in the background

// Before Bokeh draws or measures a line or a text it asks the browser for style sheets that replace each of its properties (`--bk-...`), which makes
// the browser compute all styles again: a sixth of the time in which the page opens. This page has none of them; colours are those of its models.
const {VisualProperties} = Bokeh.loader["core/visuals/visual"];
VisualProperties.prototype._get_css_value = () => "";

export function render({view}) {
  let page = view;
  while (page.parent != null) { page = page.parent; }
  const update = page.update_layout.bind(page), compute = page.compute_layout.bind(page);
  let wanted = false, outdated = false;
  const lay_out = () => {
    if (!wanted) { return; }
    const renew = outdated;
    wanted = outdated = false;
    if (renew) { update(); }
    compute();
  };
  const want = (renew) => {
    outdated ||= renew;
    if (wanted) { return; }
    wanted = true;
    requestAnimationFrame(lay_out);
    setTimeout(lay_out, LATEST_MS);
  };
  page.invalidate_layout = () => want(true);
  page.compute_layout = () => want(false);
  const nothing = document.createElement("span");
  nothing.hidden = true;
  return nothing;
}
