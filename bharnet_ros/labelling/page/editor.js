// What the user works on: who is chosen, which class, which segment, which mark is open. Every
// command of the keyboard, the lists and the timeline ends here.

import { personName } from "./colours.js";
import { formatTime } from "./time.js";

export class Editor extends EventTarget {
  person = null;
  className = null;
  selected = null; // id of a segment
  pending = null; // a start that was marked: { start_ns, label, person, region }
  #labels;
  #player;
  #frames;
  #view;
  #drafts;
  #boxes = new Map(); // boxes drawn by hand, by person

  constructor({ labels, player, frames, view, drafts }) {
    super();
    this.#labels = labels;
    this.#player = player;
    this.#frames = frames;
    this.#view = view;
    this.#drafts = drafts;
    labels.addEventListener("shown", () => {
      if (this.selected !== null && !labels.get(this.selected)) this.selected = null;
      for (const s of labels.segments) if (s.region && s.person !== null) this.#boxes.set(s.person, s.region);
      this.#tell();
    });
    view.addEventListener("choose", ({ detail }) => this.choose(detail));
    view.addEventListener("box", ({ detail }) => this.#drawn(detail));
  }

  // A mark that was open when the page was left.
  restore() {
    const mark = this.#drafts.recall("mark");
    if (mark && typeof mark.start_ns === "number") {
      this.pending = mark;
      this.person = mark.person;
      this.className = mark.label ?? this.className;
    }
    this.#tell();
  }

  get segment() { return this.selected === null ? null : this.#labels.get(this.selected); }

  // Everybody who was seen or has labels, in the order of their numbers.
  get people() {
    const known = new Set([...this.#frames.people.keys(), ...this.#boxes.keys()]);
    for (const s of this.#labels.segments) if (s.person !== null) known.add(s.person);
    return [...known].sort((a, b) => a - b);
  }

  choose(person) {
    if (this.pending && person === null) return; // a click beside somebody must not change whose it is
    if (this.pending && this.pending.person !== person) {
      this.#setPending({ ...this.pending, person, region: this.#regionOf(person) });
    }
    this.person = person;
    if (this.segment && this.segment.person !== person) this.selected = null;
    this.#tell();
  }

  nextPerson() {
    const here = this.#view.people.map((p) => p.id).sort((a, b) => a - b);
    const all = here.length ? here : this.people;
    if (!all.length) return this.#say("No skeletons here: drag a box around a person.");
    return this.choose(all[(all.indexOf(this.person) + 1) % all.length]);
  }

  select(id, { seek = false } = {}) {
    this.selected = id;
    const segment = this.segment;
    if (segment) {
      this.person = segment.person;
      this.className = segment.label;
      if (seek) this.#player.seek(segment.start_ns);
    }
    this.#tell();
  }

  deselect() {
    if (this.pending) this.#setPending(null);
    else this.selected = null;
    this.#tell();
  }

  // A class for the mark that is open, else for the selected segment if we are in it, else for what
  // comes next: who went on from a segment means the next one.
  useClass(name) {
    this.className = name;
    const { segment } = this;
    const time = this.#player.time;
    if (this.pending) this.#setPending({ ...this.pending, label: name });
    else if (segment && time >= segment.start_ns && time <= segment.end_ns) {
      if (segment.label !== name) {
        this.#labels.change(segment.id, { label: name });
        this.#say(`${segment.label} is ${name} now.`);
      }
    } else this.selected = null;
    this.#tell();
  }

  markStart() {
    const { person, className: label } = this;
    this.selected = null;
    this.#setPending({ start_ns: this.#player.time, label, person, region: this.#regionOf(person) });
    this.#tell();
  }

  markEnd() {
    if (!this.pending) return this.#say("Mark the start first (I), then the end.");
    const { label, person } = this.pending;
    let [start, end] = [this.pending.start_ns, this.#player.time];
    if (start > end) [start, end] = [end, start]; // marked backwards
    if (start === end) return this.#say("Start and end are the same image; go on a bit first.");
    if (!label) return this.#say("Choose a class first: a key, a click, or / to find or add one.");
    for (const other of this.#labels.overlapping(person, start, end)) {
      // Touching marks are meant to touch; an inside one is a mistake to look at.
      if (other.start_ns <= start && other.end_ns < end) start = other.end_ns;
      else if (other.end_ns >= end && other.start_ns > start) end = other.start_ns;
      else {
        const at = formatTime(other.start_ns);
        return this.#say(`${personName(person)} is labelled ${other.label} at ${at} already; change or delete that first.`);
      }
    }
    const middle = this.#frames.nearest((start + end) / 2);
    const region = this.#frames.box(person, middle) ?? this.pending.region ?? this.#regionOf(person);
    this.#setPending(null);
    const segment = this.#labels.add({ start_ns: start, end_ns: end, label, person, region });
    if (!region && this.#frames.people.has(person)) this.#findRegion(segment.id, person, middle);
    this.selected = segment.id;
    return this.#tell();
  }

  // Where the person is, for whoever numbers people otherwise than these skeletons do.
  async #findRegion(id, person, index) {
    const region = await this.#frames.boxWhenKnown(person, index);
    if (region) this.#labels.amend(id, { region });
  }

  // Moves an edge of a segment, as far as there is room. edge: "start_ns" or "end_ns".
  moveEdge(edge, time = this.#player.time, id = this.selected) {
    const segment = this.#labels.get(id);
    if (!segment) return this.#say("Select a segment first ([ and ], or a click).");
    const [low, high] = this.#labels.room(segment);
    const moved = Math.min(Math.max(time, low), high);
    const [start, end] = edge === "start_ns" ? [moved, segment.end_ns] : [segment.start_ns, moved];
    if (start >= end) return this.#say("A segment cannot end before it starts.");
    if (moved !== segment[edge]) this.#labels.change(segment.id, { [edge]: moved });
    return this.#tell();
  }

  giveToPerson() {
    const segment = this.segment;
    if (!segment) return this.#say("Select a segment first ([ and ], or a click).");
    const all = [null, ...this.people];
    const free = all.filter((p) => p === segment.person
      || !this.#labels.overlapping(p, segment.start_ns, segment.end_ns).length);
    const person = free[(free.indexOf(segment.person) + 1) % free.length];
    if (person === segment.person) return this.#say("There is nobody else who is free at that time.");
    const middle = this.#frames.nearest((segment.start_ns + segment.end_ns) / 2);
    const region = person === null ? null : this.#frames.box(person, middle) ?? this.#boxes.get(person) ?? null;
    this.#labels.change(segment.id, { person, region });
    if (!region && this.#frames.people.has(person)) this.#findRegion(segment.id, person, middle);
    this.person = person;
    return this.#tell();
  }

  remove() {
    if (!this.segment) return this.#say("Select a segment first ([ and ], or a click).");
    const { label } = this.segment;
    this.#labels.remove(this.selected);
    this.selected = null;
    this.#tell();
    return this.#say(`${label} deleted. Ctrl+Z brings it back.`);
  }

  // The next or previous segment of the chosen person, or of all if nobody is chosen.
  jump(direction) {
    const all = this.#labels.segments.filter((s) => this.person === null || s.person === this.person);
    const current = all.findIndex((s) => s.id === this.selected);
    const time = this.#player.time;
    const found = current >= 0 ? all[current + direction]
      : direction > 0 ? all.find((s) => s.start_ns > time)
        : all.findLast((s) => s.start_ns < time);
    if (!found) return this.#say(direction > 0 ? "That was the last segment." : "That was the first segment.");
    return this.select(found.id, { seek: true });
  }

  playSelected() {
    if (!this.segment) return this.#player.toggle();
    this.#player.seek(this.segment.start_ns);
    return this.#player.play(this.segment.end_ns);
  }

  #regionOf(person) {
    if (person === null) return null;
    return this.#frames.box(person, this.#player.index) ?? this.#boxes.get(person) ?? null;
  }

  // A box drawn by hand is a person that no skeleton shows, or the chosen one's new place.
  #drawn(region) {
    const tracked = this.person !== null && this.#frames.people.has(this.person);
    let person = this.person;
    if (person === null || tracked) person = Math.max(0, ...this.people) + 1;
    this.#boxes.set(person, region);
    if (this.segment && this.segment.person === person) this.#labels.change(this.selected, { region });
    if (this.pending) this.#setPending({ ...this.pending, person, region });
    this.person = person;
    this.#tell();
    this.#say(`The box is ${personName(person)}.`);
  }

  #setPending(mark) {
    this.pending = mark;
    this.#drafts.remember("mark", mark);
  }

  #tell() { this.dispatchEvent(new Event("changed")); }
  #say(text) { this.dispatchEvent(new CustomEvent("say", { detail: text })); }
}
