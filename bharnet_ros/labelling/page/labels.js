// The segments of one bag: changed as a whole, with undo. No page, no server.
//
// A segment: { id, start_ns, end_ns, label, person, region }. Times count from the first image.
// person: a number, or null when it does not matter who. id lives only in this page.

let newest = 0;

export function makeSegment(row) {
  const { start_ns, end_ns, label, person = null, region = null } = row;
  return Object.freeze({ id: ++newest, start_ns, end_ns, label, person, region });
}

export function toRow({ start_ns, end_ns, label, person, region }) {
  return { start_ns, end_ns, label, person, region };
}

function byTime(a, b) {
  return a.start_ns - b.start_ns || a.end_ns - b.end_ns || (a.person ?? -1) - (b.person ?? -1);
}

export function sameRows(a, b) {
  const text = (rows) => JSON.stringify([...rows].sort(byTime).map(toRow));
  return text(a) === text(b);
}

export class Labels extends EventTarget {
  #segments = [];
  #undo = [];
  #redo = [];

  get segments() { return this.#segments; }
  get canUndo() { return this.#undo.length > 0; }
  get canRedo() { return this.#redo.length > 0; }

  // What the server holds; the history so far is about something else then.
  load(rows) {
    this.#undo = [];
    this.#redo = [];
    this.#set(rows.map(makeSegment), "load");
  }

  // One step that can be undone.
  replaceAll(rows) {
    this.#step(rows.map(makeSegment));
  }

  get(id) { return this.#segments.find((s) => s.id === id) ?? null; }

  of(person) { return this.#segments.filter((s) => s.person === person); }

  add(row) {
    const segment = makeSegment(row);
    this.#step([...this.#segments, segment]);
    return segment;
  }

  remove(id) { this.#step(this.#segments.filter((s) => s.id !== id)); }

  change(id, fields) {
    this.#step(this.#segments.map((s) => (s.id === id ? Object.freeze({ ...s, ...fields }) : s)));
  }

  // Something found out afterwards: no step of its own, and undoing others keeps it.
  amend(id, fields) {
    const amended = (list) => list.map((s) => (s.id === id ? Object.freeze({ ...s, ...fields }) : s));
    this.#undo = this.#undo.map(amended);
    this.#redo = this.#redo.map(amended);
    if (this.get(id)) this.#set(amended(this.#segments), "change");
  }

  // The segments of a person that share time with [start, end), apart from one.
  overlapping(person, start, end, exceptId = null) {
    return this.#segments.filter(
      (s) => s.person === person && s.id !== exceptId && s.start_ns < end && s.end_ns > start);
  }

  // The free time of a person around a segment: as far as its edges may move. What shares time with it
  // already, as nobody's segments in two places do, is in nobody's way.
  room(segment) {
    let low = -Infinity;
    let high = Infinity;
    for (const s of this.#segments) {
      if (s.person !== segment.person || s.id === segment.id) continue;
      if (s.end_ns <= segment.start_ns) low = Math.max(low, s.end_ns);
      else if (s.start_ns >= segment.end_ns) high = Math.min(high, s.start_ns);
    }
    return [low, high];
  }

  undo() { this.#travel(this.#undo, this.#redo); }
  redo() { this.#travel(this.#redo, this.#undo); }

  #travel(from, to) {
    if (from.length === 0) return;
    to.push(this.#segments);
    this.#set(from.pop(), "change");
  }

  #step(segments) {
    this.#undo.push(this.#segments);
    if (this.#undo.length > 1000) this.#undo.shift();
    this.#redo = [];
    this.#set(segments, "change");
  }

  #set(segments, kind) {
    this.#segments = Object.freeze([...segments].sort(byTime));
    this.dispatchEvent(new Event(kind));
    this.dispatchEvent(new Event("shown"));
  }
}
