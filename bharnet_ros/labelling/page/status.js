// How saving stands, in words that cannot be missed when it does not work.

import { $, make } from "./dom.js";

const WORDS = {
  saved: "saved", saving: "saving", failed: "NOT SAVED", refused: "NOT SAVED", conflict: "NOT SAVED", closed: "NOT SAVED",
};

export function toast(text, ms = 4000) {
  const element = $("toast");
  element.textContent = text;
  element.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { element.hidden = true; }, ms);
}

export function connectStatus({ saver, labels, editor, frames }) {
  const [pill, banner, dialog] = [$("save"), $("banner"), $("conflict")];
  const title = document.title;

  const draw = () => {
    pill.className = `pill ${saver.state}`;
    pill.textContent = WORDS[saver.state];
    document.title = WORDS[saver.state] === "NOT SAVED" ? `⚠ NOT SAVED – ${title}` : title;
    if (saver.state === "conflict" && !dialog.open) openConflict();
    if (saver.state !== "conflict" && dialog.open) dialog.close();
    drawBanner();
  };

  const drawBanner = () => {
    const kept = saver.draftKept
      ? "Your labels are safe in this browser, even when the page is closed."
      : "Keep this page open: only it has your labels.";
    const download = make("button", { textContent: "Download a copy", onclick: () => saveCopy(labels) });
    if (saver.state === "failed") {
      const again = make("button", { id: "save-now", textContent: "Try now", onclick: () => saver.now() });
      return show(`Not saved: ${saver.message} ${kept} Trying again by itself.`, again, download);
    }
    if (saver.state === "refused") return show(`Not saved: ${saver.message} ${kept}`, download);
    if (saver.state === "closed") {
      const more = saver.dirty ? `${kept} They come along.` : "";
      return show(`The labelling server was started again. Open the address it printed last. ${more}`, ...(saver.dirty ? [download] : []));
    }
    if (frames.problems.length) {
      const [first, ...others] = frames.problems;
      const more = others.length ? ` (and ${others.length} more)` : "";
      if (banner.dataset.dismissed !== first) {
        const fine = make("button", { textContent: "Understood", onclick: () => { banner.dataset.dismissed = first; drawBanner(); } });
        banner.title = frames.problems.join("\n");
        show(`${first}${more}`, fine);
        banner.classList.add("mild");
        return undefined;
      }
    }
    banner.hidden = true;
    return undefined;
  };

  const show = (text, ...buttons) => {
    banner.classList.remove("mild");
    banner.replaceChildren(make("span", { className: "grow", textContent: text }), ...buttons);
    banner.hidden = false;
  };

  const openConflict = () => {
    $("conflict-why").textContent = saver.message;
    $("conflict-what").textContent =
      `Saved: ${saver.theirs.segments.length} segments. This page: ${labels.segments.length} segments.`;
    dialog.showModal();
  };
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // a choice is needed
  $("use-theirs").onclick = () => saver.useTheirs();
  $("keep-mine").onclick = () => saver.keepMine();
  $("copy-mine").onclick = () => saveCopy(labels);

  saver.addEventListener("state", draw);
  saver.addEventListener("updated", () => toast("The labels were changed in another tab and loaded again."));
  editor.addEventListener("say", ({ detail }) => toast(detail));
  frames.addEventListener("grown", drawBanner);
  draw();
}

// The same table that the server writes.
function saveCopy(labels) {
  const seconds = (ns) => `${Math.floor(ns / 1e9)}.${String(ns % 1e9).padStart(9, "0")}`;
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = labels.segments.map((s) =>
    [seconds(s.start_ns), seconds(s.end_ns), quoted(s.label), s.person ?? "", s.region ? s.region.join(" ") : ""].join(","));
  const text = ["start,end,label,person,region", ...lines, ""].join("\n");
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "labels.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
