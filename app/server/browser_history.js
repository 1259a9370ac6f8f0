// The address bar and the history of the browser. A change that the back button should undo makes a new entry, any other replaces the present one.
export function render({model}) {
  let returning = false;
  const show = () => {
    const {search, push} = model.address;
    if (!search || search === window.location.search) { return; }
    const url = `${window.location.pathname}${search}${window.location.hash}`;
    // While the page takes over an entry of the history, what it says in return belongs to that entry.
    if (push && !returning) { window.history.pushState({}, "", url); } else { window.history.replaceState({}, "", url); }
  };
  const on_return = () => {
    returning = true;
    setTimeout(() => { returning = false; }, 1500);
    model.send_msg({search: window.location.search});
  };
  show();
  model.on("address", show);
  window.addEventListener("popstate", on_return);
  model.on("remove", () => window.removeEventListener("popstate", on_return));
  const nothing = document.createElement("span");
  nothing.hidden = true;
  return nothing;
}
