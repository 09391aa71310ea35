// The segments as a list, by time.

import { classColour, personColour, personName } from "./colours.js";
import { $, dot, make } from "./dom.js";
import { formatDuration, formatTime } from "./time.js";

const MOST = 400; // rows at once; around the selected one if there are more

export function connectList({ labels, editor, classes }) {
  const [list, count] = [$("list"), $("count")];
  let drawn = null;
  const rows = new Map();

  const draw = () => {
    const all = labels.segments;
    count.textContent = all.length ? String(all.length) : "";
    const at = Math.max(0, all.findIndex((s) => s.id === editor.selected));
    const first = all.length > MOST ? Math.max(0, Math.min(at - MOST / 2, all.length - MOST)) : 0;
    const state = `${first}:${classes.names.length}`;
    if (drawn?.all !== all || drawn.state !== state) {
      rows.clear();
      for (const s of all.slice(first, first + MOST)) rows.set(s.id, row(s));
      const more = all.length - rows.size;
      list.replaceChildren(...rows.values(), ...(more ? [note(`${more} further ones are on the timeline.`)] : []));
      if (!all.length) list.append(note("Nothing yet. Choose a class, mark the start with I and the end with O."));
      drawn = { all, state };
    }
    for (const [id, element] of rows) {
      const chosen = id === editor.selected;
      if (element.classList.toggle("chosen", chosen) !== (element.ariaSelected === "true") || chosen) {
        element.ariaSelected = String(chosen);
      }
    }
    rows.get(editor.selected)?.scrollIntoView({ block: "nearest" });
  };

  const note = (textContent) => make("p", { className: "empty", textContent });

  const row = (s) => {
    const element = make("button", { className: "row", role: "option" },
      dot(classColour(classes.indexOf(s.label))),
      make("span", { className: "name", textContent: s.label, title: s.label }),
      s.person === null ? null : dot(personColour(s.person), true),
      make("span", { className: "figures", textContent: s.person ?? "", title: personName(s.person) }),
      make("span", { className: "figures", textContent: formatTime(s.start_ns), title: "start" }),
      make("span", { className: "figures", textContent: formatDuration(s.end_ns - s.start_ns), title: "duration" }));
    element.onclick = () => editor.select(s.id, { seek: true });
    return element;
  };

  editor.addEventListener("changed", draw);
  labels.addEventListener("shown", draw);
  classes.addEventListener("changed", draw);
  draw();
}
