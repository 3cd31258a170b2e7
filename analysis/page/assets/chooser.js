// One choice of methods for all charts and tables.
const boxes = () => [...document.querySelectorAll("#chooser input")];

function startChooser() {
  const chooser = byId("chooser");
  if (!chooser) return;
  chooser.hidden = false;
  for (const box of boxes()) {
    box.checked = !state.hidden.has(box.dataset.label);
    box.addEventListener("change", () => choose(box.checked ? [box.dataset.label] : [], box.checked ? [] : [box.dataset.label]));
  }
  for (const button of chooser.querySelectorAll("[data-choose]")) {
    const all = button.dataset.choose === "all";
    button.addEventListener("click", () => {
      const labels = boxes().map((box) => box.dataset.label);
      choose(all ? labels : [], all ? [] : labels);
    });
  }
  showChoice();
}

function choose(shown, hidden) {
  shown.forEach((label) => state.hidden.delete(label));
  hidden.forEach((label) => state.hidden.add(label));
  for (const box of boxes()) box.checked = !state.hidden.has(box.dataset.label);
  showChoice();
  redrawTables();
  redrawCharts();
  const count = boxes().length;
  say(`${boxes().filter((box) => box.checked).length} of ${plural(count, "method")} shown`);
}

// Rows and columns of methods carry their numbers, so a style sheet hides them.
function showChoice() {
  const all = boxes();
  const hidden = all.map((_, number) => number).filter((number) => !all[number].checked);
  byId("choice").textContent = hidden.length ? `${hidden.map((number) => `[data-m="${number}"]`).join()}{display:none!important}` : "";
  byId("count").textContent = hidden.length ? `${all.length - hidden.length} of ${all.length}` : `${all.length}`;
}

function isHidden(method) {
  const box = method === null || method === undefined ? null : boxes()[method];
  return Boolean(box) && !box.checked;
}
