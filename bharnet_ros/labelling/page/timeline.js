// The whole recording at a glance: a lane for each person, what is labelled, where we are.

import { classColour, personColour, personName } from "./colours.js";
import { formatTime } from "./time.js";

export const GUTTER = 104;
export const RULER = 24;
export const LANE = 26;
const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const SHORT_NS = 5e8; // tracks shorter than this and without labels get no lane of their own
const FONT = "12px system-ui, sans-serif";

export class Timeline {
  start = 0; // the time at the left edge
  scale = 0; // px per ns; 0 until it was laid out
  scroll = 0; // px, vertically
  lanes = []; // persons (null: anybody)
  hidden = 0; // people without a lane
  preview = null; // an edge while it is dragged: { id, start_ns, end_ns }
  canvas;
  #parts;
  #fitted = true;
  #queued = false;

  // parts: { frames, player, labels, editor, classes }
  constructor(canvas, parts) {
    this.canvas = canvas;
    this.#parts = parts;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  get width() { return Math.max(1, this.canvas.clientWidth - GUTTER); }
  get height() { return this.canvas.clientHeight; }
  x(time) { return GUTTER + (time - this.start) * this.scale; }
  timeAt(x) { return this.start + (x - GUTTER) / this.scale; }
  laneAt(y) { return y < RULER ? undefined : this.lanes[Math.floor((y - RULER + this.scroll) / LANE)]; }

  // The segment at a place and its edge, if one is near: { segment, edge }.
  hit(x, y) {
    const person = this.laneAt(y);
    if (person === undefined || x < GUTTER) return null;
    let best = null;
    for (const segment of this.#parts.labels.segments) {
      if (segment.person !== person) continue;
      const [left, right] = [this.x(segment.start_ns), this.x(segment.end_ns)];
      if (x < left - 4 || x > right + 4) continue;
      const reach = Math.min(6, (right - left) / 3);
      const edge = Math.abs(x - left) <= reach ? "start_ns" : Math.abs(x - right) <= reach ? "end_ns" : null;
      const inside = x >= left && x <= right;
      if (!best || (inside && !best.inside) || segment.id === this.#parts.editor.selected) {
        best = { segment, edge, inside };
      }
    }
    return best;
  }

  fit() {
    this.#fitted = true;
    this.draw();
  }

  zoom(factor, x = null) {
    const { frames, player } = this.#parts;
    const at = x ?? Math.min(Math.max(this.x(player.time), GUTTER), GUTTER + this.width);
    const time = this.timeAt(at);
    const least = this.width / (frames.length * 1.02);
    const scale = Math.min(Math.max(this.scale * factor, least), 2e-6); // 2 px a millisecond
    this.#fitted = scale <= least;
    this.scale = scale;
    this.start = time - (at - GUTTER) / scale;
    this.draw();
  }

  pan(pixels) {
    this.start += pixels / this.scale;
    this.draw();
  }

  scrollLanes(pixels) {
    this.scroll += pixels;
    this.draw();
  }

  // Brings a time into view, with some room around.
  reveal(time) {
    if (this.#fitted || !this.scale) return;
    const x = this.x(time);
    if (x < GUTTER || x > GUTTER + this.width - 8) this.start = time - (this.width * 0.15) / this.scale;
  }

  revealLane(person) {
    const at = this.lanes.indexOf(person);
    if (at < 0) return;
    const room = this.height - RULER;
    if (at * LANE < this.scroll) this.scroll = at * LANE;
    else if ((at + 1) * LANE > this.scroll + room) this.scroll = (at + 1) * LANE - room;
  }

  draw() {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => { this.#queued = false; this.#paint(); });
  }

  #layOut() {
    const { frames, labels, editor } = this.#parts;
    const least = this.width / (frames.length * 1.02);
    if (this.#fitted || !this.scale) Object.assign(this, { scale: least, start: 0 });
    const low = -0.01 * frames.length;
    const high = frames.length * 1.02 - this.width / this.scale;
    this.start = Math.max(low, Math.min(this.start, Math.max(high, 0)));
    if (this.#fitted) this.start = 0;
    const labelled = new Set(labels.segments.map((s) => s.person));
    const all = editor.people;
    const shown = all.filter((person) => labelled.has(person) || person === editor.person
      || !frames.people.has(person)
      || frames.people.get(person).reduce((sum, [a, b]) => sum + b - a, 0) >= SHORT_NS);
    this.hidden = all.length - shown.length;
    this.lanes = [null, ...shown];
    // As high as it needs to be; style.css says how high it may become.
    this.canvas.closest("main").style.setProperty("--lanes", `${RULER + this.lanes.length * LANE + 6}px`);
    const most = Math.max(0, this.lanes.length * LANE - (this.height - RULER));
    this.scroll = Math.max(0, Math.min(this.scroll, most));
  }

  #paint() {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [wide, tall] = [canvas.clientWidth, canvas.clientHeight];
    if (!wide || !tall) return;
    if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
    if (canvas.height !== Math.round(tall * ratio)) canvas.height = Math.round(tall * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#layOut();
    context.fillStyle = "#161b22";
    context.fillRect(0, 0, wide, tall);
    context.font = FONT;
    context.textBaseline = "middle";
    const marks = this.#marks(wide);
    this.lanes.forEach((person, row) => this.#lane(context, person, RULER + row * LANE - this.scroll, marks));
    this.#ruler(context, wide, marks);
    this.#cursor(context, tall);
    this.#scrollbar(context, tall - RULER);
  }

  // Shows that there are more lanes than fit (the wheel over the names moves them).
  #scrollbar(context, room) {
    const all = this.lanes.length * LANE;
    if (all <= room) return;
    context.fillStyle = "#4a5666";
    context.fillRect(GUTTER - 5, RULER + (this.scroll / all) * room, 3, (room / all) * room);
  }

  #lane(context, person, y, marks) {
    if (y < RULER - LANE || y > this.height) return;
    const { frames, labels, editor, classes } = this.#parts;
    const chosen = person === editor.person;
    context.save();
    context.beginPath();
    context.rect(GUTTER, Math.max(RULER, y), this.width, LANE);
    context.clip();
    context.fillStyle = chosen ? "#1f2833" : "#161b22";
    context.fillRect(GUTTER, y, this.width, LANE - 1);
    context.fillStyle = "#2a3340";
    for (const { x } of marks) context.fillRect(x, y, 1, LANE);
    context.fillStyle = personColour(person);
    context.globalAlpha = 0.45;
    for (const [from, to] of frames.people.get(person) ?? []) {
      context.fillRect(this.x(from), y + LANE - 5, Math.max(1, (to - from) * this.scale), 2);
    }
    context.globalAlpha = 1;
    const pending = editor.pending?.person === person ? editor.pending : null;
    if (pending) this.#pending(context, pending, y);
    for (const segment of labels.segments) {
      if (segment.person !== person) continue;
      const shown = this.preview?.id === segment.id ? this.preview : segment;
      this.#segment(context, shown, segment, y, classColour(classes.indexOf(segment.label)));
    }
    context.restore();
    this.#name(context, person, y, chosen);
  }

  #segment(context, { start_ns, end_ns }, segment, y, colour) {
    const left = this.x(start_ns);
    const width = Math.max(2, (end_ns - start_ns) * this.scale);
    if (left > GUTTER + this.width || left + width < GUTTER) return;
    const selected = segment.id === this.#parts.editor.selected;
    context.fillStyle = colour;
    context.globalAlpha = selected ? 1 : 0.8;
    context.beginPath();
    context.roundRect(left, y + 3, width, LANE - 10, 3);
    context.fill();
    context.globalAlpha = 1;
    if (selected) {
      context.strokeStyle = "#fff";
      context.lineWidth = 2;
      context.stroke();
    }
    if (width < 22) return;
    context.save();
    context.clip();
    context.fillStyle = "#10141a";
    context.fillText(segment.label, Math.max(left, GUTTER) + 6, y + LANE / 2 - 1.5);
    context.restore();
  }

  #pending(context, mark, y) {
    const time = this.#parts.player.time;
    const [from, to] = [Math.min(mark.start_ns, time), Math.max(mark.start_ns, time)];
    context.fillStyle = "rgb(255 255 255 / 20%)";
    context.fillRect(this.x(from), y + 3, (to - from) * this.scale, LANE - 10);
    context.fillStyle = "#fff";
    context.fillRect(this.x(mark.start_ns) - 1, y + 1, 2, LANE - 6);
    context.fillText(mark.label ?? "?", this.x(from) + 6, y + LANE / 2 - 1.5);
  }

  #name(context, person, y, chosen) {
    context.save();
    context.beginPath();
    context.rect(0, RULER, GUTTER, this.height);
    context.clip();
    context.fillStyle = chosen ? "#1f2833" : "#12171e";
    context.fillRect(0, y, GUTTER, LANE - 1);
    context.fillStyle = personColour(person);
    context.fillRect(0, y, chosen ? 5 : 3, LANE - 1);
    context.fillStyle = chosen ? "#fff" : "#aab4c0";
    context.fillText(personName(person), 14, y + LANE / 2);
    context.restore();
  }

  // Round times and where they lie.
  #marks(wide) {
    const span = 80 / this.scale / 1e9; // at least 80 px between numbers
    const step = STEPS.find((s) => s >= span) ?? 3600 * Math.ceil(span / 3600);
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const marks = [];
    for (let k = Math.max(0, Math.ceil(this.start / 1e9 / step)); k * step * 1e9 <= this.timeAt(wide); k++) {
      const time = k * step * 1e9;
      marks.push({ x: this.x(time), text: formatTime(time, digits) });
    }
    return marks;
  }

  #ruler(context, wide, marks) {
    context.fillStyle = "#0f1319";
    context.fillRect(0, 0, wide, RULER);
    for (const { x, text } of marks) {
      context.fillStyle = "#2a3340";
      context.fillRect(x, RULER - 6, 1, 6);
      context.fillStyle = "#8b97a6";
      if (x + 48 < wide) context.fillText(text, x + 4, RULER / 2);
    }
    context.fillStyle = "#0f1319";
    context.fillRect(0, 0, GUTTER, RULER);
    if (this.hidden) {
      context.fillStyle = "#8b97a6";
      context.fillText(`+${this.hidden} short`, 14, RULER / 2);
    }
  }

  #cursor(context, tall) {
    const x = this.x(this.#parts.player.time);
    if (x < GUTTER - 1) return;
    context.fillStyle = "#ff6b6b";
    context.fillRect(x - 0.75, 0, 1.5, tall);
    context.beginPath();
    context.moveTo(x - 6, 0);
    context.lineTo(x + 6, 0);
    context.lineTo(x, 9);
    context.fill();
  }
}
