// The list of classes beside the picture, and the field that finds or adds one.

import { Classes } from "./classes.js";
import { classColour } from "./colours.js";
import { $, dot, make } from "./dom.js";

export function connectPalette({ classes, editor }) {
  const [field, list, complaint] = [$("find"), $("palette"), $("complaint")];
  let shown = "";

  const complain = (text) => {
    complaint.textContent = text;
    complaint.hidden = !text;
  };

  const draw = () => {
    const current = editor.pending?.label ?? editor.segment?.label ?? editor.className;
    const found = field.value ? classes.find(field.value) : classes.names;
    const state = JSON.stringify([found, classes.names.length, current, field.value]);
    if (state === shown) return; // keeps the scrolled place and the focus
    shown = state;
    const rows = found.map((name) => {
      const index = classes.indexOf(name);
      const key = classes.keyOf(index);
      const row = make("button", { className: "row", title: name },
        dot(classColour(index)), make("span", { className: "name", textContent: name }),
        key ? make("kbd", { textContent: key }) : null);
      row.classList.toggle("chosen", name === current);
      row.setAttribute("aria-pressed", String(name === current));
      row.onclick = () => use(name);
      return row;
    });
    const wanted = field.value.trim();
    if (wanted && !classes.names.includes(wanted)) {
      const add = make("button", { className: "row", id: "add-class" },
        dot(classColour(-1)), make("span", { className: "name", textContent: `add “${wanted}”` }),
        make("kbd", { textContent: rows.length ? "Shift Enter" : "Enter" }));
      add.onclick = () => addNew();
      rows.push(add);
    }
    if (!rows.length) rows.push(make("p", { className: "empty", textContent: "No classes yet: type a name above." }));
    list.replaceChildren(...rows);
    list.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  };

  const use = (name) => {
    field.value = "";
    complain("");
    editor.useClass(name);
    field.blur();
    draw();
  };

  const addNew = () => {
    const name = field.value.trim();
    const wrong = Classes.complaint(name);
    if (wrong) return complain(wrong);
    classes.add(name);
    return use(name);
  };

  field.addEventListener("input", () => { complain(""); draw(); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      complain("");
      field.blur();
      draw();
    } else if (event.key === "Enter" && field.value.trim()) {
      const [best] = classes.find(field.value);
      if (event.shiftKey || !best) addNew();
      else use(best);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.addEventListener("changed", draw);
  classes.addEventListener("changed", draw);
  draw();
}
