// The classes there are, their keys and colours. New ones may be added; they are known from then on
// because labels use them (and, until one does, because the browser remembers them).

// Letters that are no commands; see keys.js.
const KEYS = [..."1234567890", ..."abcdfghjklmnqrtuvwxyz"];
const MAX_LENGTH = 100;

export class Classes extends EventTarget {
  names = [];
  #drafts;

  constructor(given, labels, drafts) {
    super();
    this.#drafts = drafts;
    this.names = [...given];
    for (const name of drafts.recall("classes") ?? []) if (typeof name === "string") this.#add(name);
    labels.addEventListener("shown", () => {
      const before = this.names.length;
      for (const s of labels.segments) this.#add(s.label);
      if (this.names.length !== before) this.dispatchEvent(new Event("changed"));
    });
  }

  indexOf(name) { return this.names.indexOf(name); }
  keyOf(index) { return KEYS[index] ?? ""; }

  byKey(key) {
    const at = KEYS.indexOf(key);
    return at < 0 ? null : this.names[at] ?? null;
  }

  #add(name) {
    if (!this.names.includes(name)) this.names.push(name);
  }

  // Why a name cannot be a class; "" if it can.
  static complaint(name) {
    if (!name) return "A class needs a name.";
    if (name.length > MAX_LENGTH) return `A name may have ${MAX_LENGTH} letters.`;
    if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name)) return "A name has no special characters.";
    return "";
  }

  add(name) {
    this.#add(name);
    this.#drafts.remember("classes", this.names);
    this.dispatchEvent(new Event("changed"));
  }

  // Those that fit what was typed, the best first.
  find(text) {
    const wanted = text.trim().toLowerCase().replaceAll(" ", "_");
    const rank = (name) => {
      const lower = name.toLowerCase().replaceAll(" ", "_");
      if (lower === wanted) return 0;
      if (lower.startsWith(wanted)) return 1;
      if (lower.includes(wanted)) return 2;
      return 3;
    };
    return this.names.map((name) => [rank(name), name]).filter(([r]) => r < 3)
      .sort((a, b) => a[0] - b[0]).map(([, name]) => name);
  }
}
