// A page that is served asks whether there is a later one, and puts its content into the place of this.
let paused = false;
let version = document.body.dataset.version;

function startRefresh() {
  const every = Number(document.body.dataset.every) * 1000;
  if (!version) return;
  const pause = byId("pause");
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    tell(paused ? "Paused" : "Live");
  });
  const ask = async () => {
    if (!paused && !document.hidden) await refresh();
    setTimeout(ask, every);
  };
  setTimeout(ask, every);
}

function tell(text) {
  if (byId("live").textContent !== text) byId("live").textContent = text;
}

async function refresh() {
  try {
    const latest = (await answer("version")).trim();
    if (latest !== version) {
      const later = new DOMParser().parseFromString(await answer("."), "text/html");
      replace(later);
      version = later.body.dataset.version;
    }
    tell("Live");
  } catch {
    tell("Not live: vitamin watch does not answer. This is what it showed last.");
  }
}

async function answer(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.text();
}

function replace(later) {
  const focused = document.activeElement?.dataset?.label;
  document.title = later.title;
  for (const id of ["title", "colors", "side", "content"]) {
    const now = byId(id);
    const then = later.getElementById(id);
    if (id === "side") for (const fold of now.querySelectorAll(".fold")) matching(then, fold).open = fold.open;
    now.replaceWith(document.adoptNode(then));
  }
  startContent();
  if (focused !== undefined) boxes().find((box) => box.dataset.label === focused)?.focus();
}

function matching(side, fold) {
  return side.querySelector(fold.id ? `#${fold.id}` : "nav .fold") ?? {};
}
