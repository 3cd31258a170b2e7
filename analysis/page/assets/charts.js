// Charts: each panel is drawn when it comes near the window, the others when nothing else is to do.
let panels = [];
const ERRORS = 1; // what Vega calls this level: no warnings

function startCharts() {
  panels.forEach((panel) => panel.view?.finalize());
  panels = [...document.querySelectorAll("figure.figure")].flatMap(panelsOf);
  const near = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => drawPanel(panels.find((panel) => panel.place === entry.target))),
    { rootMargin: "400px" },
  );
  panels.forEach((panel) => near.observe(panel.place));
  drawNext(panels);
}

// `all` is compared with the panels of now: a later content replaces them.
function drawNext(all) {
  const next = all === panels && panels.find((panel) => !panel.drawn);
  if (next) setTimeout(() => drawPanel(next).then(() => drawNext(all)), 0);
}

function panelsOf(figure) {
  const details = figure.querySelector("details.data");
  let content = null;
  const data = () => (content ??= read(figure));
  details.hidden = false;
  details.open = state.open.has(details.id);
  const fill = () => {
    if (details.open) state.open.add(details.id);
    else state.open.delete(details.id);
    if (details.open && !details.querySelector("table")) showNumbers(details, data());
  };
  details.addEventListener("toggle", fill);
  return [...figure.querySelectorAll(".chart")].map((place, number) => ({ place, number, data, drawn: false, view: null }));
}

function read(figure) {
  const content = JSON.parse(figure.querySelector("script.figure-data").textContent);
  for (const part of [content.rows, content.runs]) {
    if (part) part.columns = Object.entries(part.columns).map(([name, column]) => [name, unfold(column)]);
  }
  return content;
}

function rowsOf(part, panel) {
  const rows = [];
  part?.at.forEach((place, row) => {
    if (place === panel) rows.push(Object.fromEntries(part.columns.map(([name, values]) => [name, values[row]])));
  });
  return rows;
}

const chosenOf = (content) => content.spec.params[0].value.filter((label) => !content.follows || !state.hidden.has(label));

async function drawPanel(panel) {
  if (panel.drawn) return;
  panel.drawn = true;
  const content = panel.data();
  const [chosen, ...others] = content.spec.params;
  const spec = {
    ...content.spec,
    params: [{ ...chosen, value: chosenOf(content) }, ...others],
    config: { ...content.spec.config, axis: { ...content.spec.config.axis, labelLimit: Math.max(150, panel.place.clientWidth / 2) } },
    datasets: { rows: rowsOf(content.rows, panel.number), runs: rowsOf(content.runs, panel.number) },
  };
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, logLevel: ERRORS, tooltip: { disableDefaultStyle: true } };
  try {
    panel.view = (await vegaEmbed(panel.place, spec, options)).view;
    panel.place.querySelector("svg").setAttribute("aria-hidden", "true"); // the place says what it shows
  } catch (error) {
    panel.place.textContent = "This chart cannot be drawn here; its numbers are below.";
    console.error(error);
  }
}

function redrawCharts() {
  for (const panel of panels) panel.view?.signal("chosen", chosenOf(panel.data())).runAsync();
}

const HEADS = { env_steps: "environment steps", method_a: "method A", method_b: "method B", label: "method" };
const format = (value) => (typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 5 }) : value ?? "–");

function showNumbers(details, content) {
  const columns = content.rows.columns.filter(([name]) => name !== "pair" && (name !== "label" || content.follows && content.kind !== "improvement"));
  const isNumber = ([, values]) => values.some((value) => typeof value === "number");
  const heads = columns.map((column) =>
    element("th", { scope: "col", className: isNumber(column) ? "number" : "" }, element("span", { className: "head" }, HEADS[column[0]] ?? column[0].replaceAll("_", " "))),
  );
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody"));
  const scroll = element("div", { className: "scroll", tabIndex: 0 }, table);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "The numbers of this figure");
  details.lastElementChild.replaceChildren(element("div", { className: "controls" }), scroll, element("div", { className: "pager" }));
  const labels = boxes().map((box) => box.dataset.label);
  const label = content.rows.columns.find(([name]) => name === "label")[1];
  const source = {
    count: content.rows.at.length,
    text: (row, column) => String(format(columns[column][1][row])),
    value: (row, column) => columns[column][1][row],
    isHidden: (row) => content.follows && isHidden(labels.indexOf(label[row])),
    row: (row) => element("tr", {}, ...columns.map((column, place) => element(place ? "td" : "th", { className: isNumber(column) ? "number" : "", ...(place ? {} : { scope: "row" }) }, String(format(column[1][row]))))),
  };
  tables.push(new DataTable(details, source, details.id));
}
