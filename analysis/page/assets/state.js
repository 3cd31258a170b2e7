// What the reader has chosen; kept while the page is open, also when its content is replaced by a later one.
const state = {
  hidden: new Set(), // labels of methods
  tables: new Map(), // by name: what of a table is shown, in which order
  open: new Set(), // ids of details with numbers
};

const byId = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(text) {
  byId("said").textContent = text;
}

// A column as Python's `texts` writes it.
function unfold(column) {
  return Array.isArray(column) ? column : column.at.map((place) => column.of[place]);
}

function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
