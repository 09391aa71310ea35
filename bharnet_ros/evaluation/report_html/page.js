// Light or dark, and tables that sort. Everything else of the page works without scripts.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const remember = (value) => { try { localStorage.setItem("bharnet-theme", value); } catch { /* not kept */ } };
  try {
    const kept = localStorage.getItem("bharnet-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* files without storage */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
  });

  // The value of a cell: its leading number, or its text; a dash counts as nothing.
  const value = (cell) => {
    const text = cell.textContent.trim();
    const figure = parseFloat(text.replace(/,/g, ""));
    return Number.isNaN(figure) ? (text === "–" ? null : text.toLowerCase()) : figure;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.tabIndex = 0;
      const sort = () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row]);
        rows.sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null);
          const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
          return up ? order : -order;
        });
        table.tBodies[0].append(...rows.map(([, row]) => row));
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
      });
    });
  }

  // On paper everything is unfolded but the tables under the drawings.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.recording:not([open])")];
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => { folded.forEach((part) => { part.open = false; }); });
})();
