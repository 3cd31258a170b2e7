const root = document.documentElement;
const narrow = matchMedia("(max-width: 62rem)");

function startTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const show = () => (button.textContent = isDark() ? "Light page" : "Dark page");
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  dark.addEventListener("change", show);
  show();
  document.querySelector(".tools").hidden = false;
}

// Contents and methods stand beside the page where it is wide; above it, they open one at a time.
function fold() {
  for (const part of document.querySelectorAll(".fold")) part.open = !narrow.matches;
}

function startFolds() {
  const folds = [...document.querySelectorAll(".fold")];
  for (const part of folds) {
    part.addEventListener("toggle", () => {
      if (part.open && narrow.matches) folds.filter((other) => other !== part).forEach((other) => (other.open = false));
    });
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !narrow.matches) return;
      part.open = false;
      part.querySelector("summary").focus();
    });
  }
  document.querySelectorAll("nav a").forEach((link) => link.addEventListener("click", () => narrow.matches && fold()));
}

function startContent() {
  startChooser();
  startFolds();
  startTables();
  startCharts();
}

document.addEventListener("click", (event) => {
  if (narrow.matches && !event.target.closest(".fold")) fold();
});
narrow.addEventListener("change", fold);
startTheme();
fold();
startContent();
startRefresh();
