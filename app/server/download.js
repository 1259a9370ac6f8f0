// Hands a file that the server has made to the browser's downloads.
export function render({model}) {
  const save = () => {
    const content = model.content;
    if (content == null || model.filename === "") { return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], {type: model.mime}));
    link.download = model.filename;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 30000);
    model.send_msg({saved: model.filename});
  };
  model.on("serial", save);
  const nothing = document.createElement("span");
  nothing.hidden = true;
  return nothing;
}
