// Every shortcut in one table: what the keyboard does is what the help shows.

// keys: as KeyboardEvent.key, in lower case for letters, "ctrl+" and "shift+" before (shift only
// for keys that do not show it themselves).
export function commands({ player, editor, labels, timeline, frames, ui }) {
  return [
    { group: "Play", shown: ["Space"], keys: [" "], text: "play, pause", run: () => player.toggle() },
    { group: "Play", shown: ["←", "→"], keys: ["arrowleft", "arrowright"], text: "previous, next image",
      run: (key) => player.step(key === "arrowleft" ? -1 : 1) },
    { group: "Play", shown: ["Shift ←", "Shift →"], keys: ["shift+arrowleft", "shift+arrowright"], text: "one second back, on",
      run: (key) => player.skip(key.endsWith("left") ? -1 : 1) },
    { group: "Play", shown: ["PgUp", "PgDn"], keys: ["pageup", "pagedown"], text: "ten seconds back, on",
      run: (key) => player.skip(key === "pageup" ? -10 : 10) },
    { group: "Play", shown: ["Home", "End"], keys: ["home", "end"], text: "first, last image",
      run: (key) => player.seekIndex(key === "home" ? 0 : frames.last) },
    { group: "Play", shown: ["<", ">"], keys: ["<", ">", ",", "."], text: "slower, faster",
      run: (key) => player.faster("<,".includes(key) ? -1 : 1) },

    { group: "Mark", shown: ["I", "S"], keys: ["i", "s"], text: "start of a segment here", run: () => editor.markStart() },
    { group: "Mark", shown: ["O", "E"], keys: ["o", "e"], text: "end of the segment here", run: () => editor.markEnd() },
    { group: "Mark", shown: ["Shift I", "Shift O"], keys: ["shift+i", "shift+s", "shift+o", "shift+e"], text: "move start, end of the selected segment here",
      run: (key) => editor.moveEdge("is".includes(key.at(-1)) ? "start_ns" : "end_ns") },
    { group: "Mark", shown: ["1 … 0", "a … z"], keys: [], text: "class, as listed beside the picture" },
    { group: "Mark", shown: ["/"], keys: ["/"], text: "find or add a class", run: () => ui.findClass() },
    { group: "Mark", shown: ["P"], keys: ["p"], text: "next person", run: () => editor.nextPerson() },
    { group: "Mark", shown: ["Shift P"], keys: ["shift+p"], text: "give the segment to the next person", run: () => editor.giveToPerson() },
    { group: "Mark", shown: ["Esc"], keys: ["escape"], text: "drop the start mark; deselect", run: () => editor.deselect() },

    { group: "Segments", shown: ["[", "]"], keys: ["[", "]", "arrowup", "arrowdown"], text: "previous, next segment (also ↑ ↓)",
      run: (key) => editor.jump(["[", "arrowup"].includes(key) ? -1 : 1) },
    { group: "Segments", shown: ["Enter"], keys: ["enter"], text: "play the selected segment", run: () => editor.playSelected() },
    { group: "Segments", shown: ["Del"], keys: ["delete", "backspace"], text: "delete the selected segment", run: () => editor.remove() },
    { group: "Segments", shown: ["Ctrl Z"], keys: ["ctrl+z"], text: "undo", run: () => labels.undo() },
    { group: "Segments", shown: ["Ctrl Shift Z", "Ctrl Y"], keys: ["ctrl+shift+z", "ctrl+y"], text: "redo", run: () => labels.redo() },

    { group: "Page", shown: ["+", "−"], keys: ["+", "=", "-"], text: "zoom the timeline", run: (key) => timeline.zoom(key === "-" ? 1 / 1.6 : 1.6) },
    { group: "Page", shown: ["Shift F"], keys: ["shift+f"], text: "the whole recording", run: () => timeline.fit() },
    { group: "Page", shown: ["Shift K"], keys: ["shift+k"], text: "skeletons on, off", run: () => ui.toggleSkeletons() },
    { group: "Page", shown: ["?"], keys: ["?"], text: "these shortcuts", run: () => ui.showHelp() },
  ];
}

export function connectKeys(table, { classes, editor }) {
  const byKey = new Map(table.flatMap((command) => command.keys.map((key) => [key, command])));
  addEventListener("keydown", (event) => {
    if (event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target;
    if (target.matches?.("input[type=text], textarea")) return;
    if (target.matches?.("select") && !event.ctrlKey) return;
    if (target.matches?.("button, input") && [" ", "Enter"].includes(event.key)) return;
    const key = keyOf(event);
    const command = byKey.get(key);
    const name = command ? null : classes.byKey(key);
    if (!command && !name) return;
    event.preventDefault();
    if (command) command.run(key);
    else if (!event.repeat) editor.useClass(name);
  });
  // A click leaves no button behind that would take the next Space.
  addEventListener("click", (event) => {
    if (event.detail > 0) event.target.closest?.("button, input[type=checkbox]")?.blur();
  });
}

function keyOf(event) {
  const ctrl = event.ctrlKey || event.metaKey ? "ctrl+" : "";
  const letter = event.key.toLowerCase();
  // With Caps Lock a letter is upper case without Shift.
  const named = letter.length > 1 || /\p{L}/u.test(letter);
  return `${ctrl}${event.shiftKey && named ? "shift+" : ""}${letter}`;
}

export function fillHelp(element, table) {
  for (const group of new Set(table.map((command) => command.group))) {
    const section = document.createElement("section");
    section.append(Object.assign(document.createElement("h3"), { textContent: group }));
    for (const command of table.filter((c) => c.group === group)) {
      const row = document.createElement("div");
      const keys = document.createElement("span");
      for (const shown of command.shown) {
        keys.append(Object.assign(document.createElement("kbd"), { textContent: shown }));
      }
      row.append(keys, Object.assign(document.createElement("span"), { textContent: command.text }));
      section.append(row);
    }
    element.append(section);
  }
}
