// Tables: sorted by their heads, filtered; long ones show their first rows, then a hundred at a time.
const ROWS = 100;
const FIRST_ROWS = 15;
const PRINTED_ROWS = 1000;
const FILTER_FROM = 20; // rows; fewer are all shown at once
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
let tables = [];

function startTables() {
  tables = [...document.querySelectorAll(".block.table")].map((block) => {
    const data = block.querySelector("script.rows");
    const source = data ? fromData(JSON.parse(data.textContent), block) : fromPage(block);
    return new DataTable(block, source, block.dataset.name);
  });
}

function redrawTables(printed = false) {
  tables.forEach((table) => table.draw(printed));
}

addEventListener("beforeprint", () => redrawTables(true));
addEventListener("afterprint", () => redrawTables());

// A source: how many rows, the text and the value of a cell, the method of a row, and the row as an element.
function fromPage(block) {
  const rows = [...block.querySelectorAll("tbody tr")];
  const value = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));
  return {
    count: rows.length,
    text: (row, column) => rows[row].cells[column].textContent.trim(),
    value: (row, column) => value(rows[row].cells[column]),
    isHidden: () => false, // by the style sheet
    row: (row) => rows[row],
  };
}

function fromData(data, block) {
  const heads = [...block.querySelectorAll("thead th")];
  const label = block.dataset.labelColumn === undefined ? null : Number(block.dataset.labelColumn);
  const columns = data.columns.map((column) => ({
    texts: unfold(column.texts),
    values: column.values,
    links: column.links && unfold(column.links),
    notes: column.notes && unfold(column.notes),
    bold: new Set(column.bold),
  }));
  const cell = (row, place) => {
    const column = columns[place];
    const text = column.texts[row];
    const made = element(place === (label ?? 0) ? "th" : "td");
    if (made.tagName === "TH") made.scope = "row";
    if (heads[place].classList.contains("number")) made.className = "number";
    if (heads[place].dataset.m !== undefined) made.dataset.m = heads[place].dataset.m;
    if (place === label && data.methods?.[row] != null) made.append(swatchOf(data.methods[row]), " ");
    if (column.links?.[row]) made.append(element("a", { href: column.links[row] }, text));
    else if (column.bold.has(row)) made.append(element("strong", {}, text));
    else made.append(text);
    if (column.notes?.[row]) {
      made.title = column.notes[row];
      made.append(element("span", { className: "unseen" }, ` (${column.notes[row]})`));
    }
    return made;
  };
  return {
    count: columns[0].texts.length,
    text: (row, column) => columns[column].texts[row],
    value: (row, column) => columns[column].values?.[row] ?? null,
    isHidden: (row) => data.methods !== null && isHidden(data.methods?.[row]),
    row: (row) => {
      const made = element("tr", {}, ...columns.map((_, place) => cell(row, place)));
      if (data.methods?.[row] != null) made.dataset.m = data.methods[row];
      return made;
    },
  };
}

function swatchOf(method) {
  return document.querySelectorAll("#chooser .swatch")[method].cloneNode(true);
}

class DataTable {
  constructor(block, source, name) {
    this.block = block;
    this.source = source;
    this.body = block.querySelector("tbody");
    this.heads = [...block.querySelectorAll("thead th")];
    if (!state.tables.has(name)) state.tables.set(name, { column: null, ascending: true, filter: "", page: 0, all: false });
    this.view = state.tables.get(name);
    this.heads.forEach((head, column) => this.addSort(head, column));
    if (source.count > FILTER_FROM) this.addFilter();
    this.draw();
  }

  addSort(head, column) {
    const label = head.querySelector(".head");
    const button = element("button", { type: "button", className: "sort" });
    label.replaceWith(button);
    button.append(label);
    if (!label.textContent.trim()) button.setAttribute("aria-label", `Column ${column + 1}`);
    button.addEventListener("click", () => {
      // The first click on numbers brings the largest to the top.
      const first = !head.classList.contains("number");
      this.view.ascending = this.view.column === column ? !this.view.ascending : first;
      this.view.column = column;
      this.view.page = 0;
      this.draw();
    });
  }

  addFilter() {
    const title = this.block.querySelector("h3, summary").textContent;
    const input = element("input", { type: "search", placeholder: "Filter rows", value: this.view.filter, autocomplete: "off" });
    input.setAttribute("aria-label", `Filter the rows of: ${title}`);
    this.found = element("span", { className: "quiet" });
    input.addEventListener("input", () => {
      this.view.filter = input.value;
      this.view.page = 0;
      this.draw();
      say(this.found.textContent);
    });
    this.block.querySelector(".controls").replaceChildren(input, this.found);
  }

  // Numbers of the rows to show, in their order: those in which every word of the filter occurs.
  order() {
    const { source, view } = this;
    const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const columns = this.heads.map((_, column) => column);
    const matches = (row) => {
      const text = columns.map((column) => source.text(row, column)).join("\n").toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const rows = [];
    for (let row = 0; row < source.count; row++) {
      if (!source.isHidden(row) && (!words.length || matches(row))) rows.push(row);
    }
    if (view.column === null || view.column >= columns.length) return rows;
    const sign = view.ascending ? 1 : -1;
    const isNumber = this.heads[view.column].classList.contains("number");
    const key = new Map(rows.map((row) => [row, isNumber ? source.value(row, view.column) : source.text(row, view.column)]));
    const compare = isNumber ? (a, b) => a - b : collator.compare;
    // What is missing comes last in both directions.
    const isMissing = (value) => value === null || value === "" || value === "–";
    return rows.sort((a, b) => {
      const [left, right] = [key.get(a), key.get(b)];
      if (isMissing(left) || isMissing(right)) return isMissing(left) - isMissing(right) || a - b;
      return sign * compare(left, right) || a - b;
    });
  }

  // Rows of a page; when the page is printed, the first of them all.
  draw(printed = false) {
    const { view } = this;
    const size = view.all || this.source.count <= FILTER_FROM ? ROWS : FIRST_ROWS;
    this.heads.forEach((head, column) => {
      if (column === view.column) head.setAttribute("aria-sort", view.ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    const rows = this.order();
    const last = Math.max(0, Math.ceil(rows.length / size) - 1);
    view.page = Math.min(view.page, last);
    const shown = printed ? rows.slice(0, PRINTED_ROWS) : rows.slice(view.page * size, (view.page + 1) * size);
    this.body.replaceChildren(...shown.map((row) => this.source.row(row)));
    if (!shown.length) this.body.append(element("tr", {}, element("td", { colSpan: this.heads.length }, "No rows.")));
    if (this.found) this.found.textContent = rows.length < this.source.count ? `${rows.length} of ${plural(this.source.count, "row")}` : plural(rows.length, "row");
    if (this.source.count > FILTER_FROM) this.drawPager(view.page, last, rows.length, size);
    const note = this.block.querySelector(".printed");
    if (note) note.textContent = shown.length < this.source.count ? `${shown.length} of ${plural(this.source.count, "row")}.` : "";
  }

  // Buttons that turn pages, once there are several of them, and one that shows more or fewer rows at a time.
  drawPager(page, last, count, size) {
    const pager = this.block.querySelector(".pager");
    const turn = (text, to) => {
      const button = element("button", { type: "button", disabled: to < 0 || to > last }, text);
      button.addEventListener("click", () => {
        this.view.page = to;
        this.draw();
        const again = [...pager.querySelectorAll("button")].find((other) => other.textContent === text);
        (again.disabled ? pager.querySelector("button:enabled") : again)?.focus();
      });
      return button;
    };
    const range = count ? `${(page * size + 1).toLocaleString("en")} to ${Math.min(count, (page + 1) * size).toLocaleString("en")} of ${count.toLocaleString("en")}` : "0 rows";
    const shows = element("span", {}, range);
    const more = element("button", { type: "button" }, this.view.all ? "Fewer rows" : "More rows");
    more.setAttribute("aria-expanded", String(this.view.all));
    more.addEventListener("click", () => {
      this.view.all = !this.view.all;
      this.view.page = 0;
      this.draw();
      pager.querySelector("[aria-expanded]").focus();
    });
    const turns = [turn("First", page ? 0 : -1), turn("Previous", page - 1), shows, turn("Next", page + 1), turn("Last", page < last ? last : -1)];
    pager.replaceChildren(...(last ? turns : [shows]), more);
  }
}
