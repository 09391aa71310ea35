// The picture with the people over it; a click chooses a person, a drag draws a box around one.

import { LEFT_HAND, RIGHT_HAND, personColour } from "./colours.js";

const MIN_SCORE = 0.3;
const MARGIN_PX = 14; // how far beside a bone a click still counts

export class View extends EventTarget {
  chosen = null;
  active = []; // segments of this moment: { person, region, label, colour }
  showSkeletons = true;
  #canvas;
  #frames;
  #image = null; // an ImageBitmap, or a message
  #people = null;
  #index = -1;
  #scale = { factor: 1, left: 0, top: 0 };
  #drag = null;
  #queued = false;

  constructor(canvas, frames) {
    super();
    this.#canvas = canvas;
    this.#frames = frames;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", () => { this.#drag = null; this.draw(); });
  }

  // Shows an image if it is at hand; the one before stays until then.
  show(index) {
    const image = this.#frames.image(index);
    if (image !== null) {
      this.#image = image;
      this.#index = index;
    }
    const people = this.#frames.skeletons(index);
    // Never somebody's skeleton over another moment's picture.
    if (this.#index === index) this.#people = people;
    this.draw();
  }

  get people() { return this.#people?.people.filter((p) => p.id >= 0) ?? []; }

  // Once a frame, however much has changed.
  draw() {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => { this.#queued = false; this.#paint(); });
  }

  #paint() {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio || 1;
    const [wide, tall] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
    if (canvas.height !== Math.round(tall * ratio)) canvas.height = Math.round(tall * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, tall);
    if (this.#image === null) return;
    if (typeof this.#image === "string") {
      context.fillStyle = "#e6a23c";
      context.font = "15px system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText(this.#image, wide / 2, tall / 2, wide - 40);
      context.textAlign = "start";
      return;
    }
    // Skeletons and regions are in pixels of the recorded image; large ones are sent smaller.
    const source = this.#people ?? this.#image;
    const size = { width: source.width || this.#image.width, height: source.height || this.#image.height };
    const factor = Math.min(wide / size.width, tall / size.height);
    const [left, top] = [(wide - size.width * factor) / 2, (tall - size.height * factor) / 2];
    this.#scale = { factor, left, top };
    context.imageSmoothingQuality = "medium";
    context.drawImage(this.#image, left, top, size.width * factor, size.height * factor);
    context.translate(left, top);
    context.scale(factor, factor);
    for (const region of this.#regions()) this.#drawRegion(context, region);
    if (this.showSkeletons) for (const person of this.people) this.#drawPerson(context, person);
    for (const person of this.people) this.#drawName(context, person);
    if (this.#drag?.box) {
      context.setLineDash([6 / factor, 4 / factor]);
      context.strokeStyle = "#fff";
      context.lineWidth = 1.5 / factor;
      context.strokeRect(...this.#drag.box);
      context.setLineDash([]);
    }
  }

  // Labelled boxes of people whom no skeleton shows at this moment.
  #regions() {
    const seen = new Set(this.people.map((p) => p.id));
    return this.active.filter((s) => s.region && !seen.has(s.person));
  }

  #drawRegion(context, { region, person, label }) {
    const { factor } = this.#scale;
    context.lineWidth = (person === this.chosen ? 3 : 1.5) / factor;
    context.strokeStyle = personColour(person);
    context.strokeRect(...region);
    this.#tag(context, region[0], region[1], `${person ?? ""} ${label ?? ""}`.trim(), person);
  }

  #drawPerson(context, person) {
    const layout = this.#frames.layouts[this.#people.layout];
    if (!layout) return;
    const { factor } = this.#scale;
    const chosen = person.id === this.chosen;
    const parts = partsOf(layout);
    const points = person.points;
    const seen = (i) => points[3 * i + 2] >= MIN_SCORE;
    context.globalAlpha = this.chosen === null || chosen ? 1 : 0.6;
    context.lineCap = "round";
    layout.edges.forEach(([a, b], edge) => {
      if (!seen(a) || !seen(b)) return;
      const part = parts[edge];
      context.strokeStyle = part === "left" ? LEFT_HAND : part === "right" ? RIGHT_HAND : personColour(person.id);
      context.lineWidth = (part !== "body" ? 1.2 : chosen ? 3.5 : 2.2) / factor;
      context.beginPath();
      context.moveTo(points[3 * a], points[3 * a + 1]);
      context.lineTo(points[3 * b], points[3 * b + 1]);
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  #drawName(context, person) {
    const { factor } = this.#scale;
    const [x, y, width, height] = person.box;
    const chosen = person.id === this.chosen;
    if (chosen || !this.showSkeletons) {
      context.strokeStyle = personColour(person.id);
      context.lineWidth = (chosen ? 2 : 1) / factor;
      context.strokeRect(x, y, width, height);
    }
    const labels = this.active.filter((s) => s.person === person.id).map((s) => s.label);
    this.#tag(context, x, y, [`${person.id}`, ...labels].join("  "), person.id, chosen);
  }

  #tag(context, x, y, text, person, chosen = false) {
    const { factor } = this.#scale;
    const unit = 1 / factor;
    context.font = `600 ${13 * unit}px system-ui, sans-serif`;
    const width = context.measureText(text).width + 12 * unit;
    const top = Math.max(0, y - 20 * unit);
    context.fillStyle = chosen ? personColour(person) : "rgb(16 20 26 / 82%)";
    context.beginPath();
    context.roundRect(x, top, width, 18 * unit, 3 * unit);
    context.fill();
    context.fillStyle = chosen ? "#10141a" : personColour(person);
    context.fillText(text, x + 6 * unit, top + 13.5 * unit);
  }

  #place(event) {
    const { factor, left, top } = this.#scale;
    const rect = this.#canvas.getBoundingClientRect();
    return [(event.clientX - rect.left - left) / factor, (event.clientY - rect.top - top) / factor];
  }

  #down(event) {
    if (event.button !== 0 || this.#image === null || typeof this.#image === "string") return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { from: this.#place(event), box: null };
  }

  #move(event) {
    const place = this.#place(event);
    if (!this.#drag) {
      this.#canvas.style.cursor = this.#hit(place) === null ? "crosshair" : "pointer";
      return;
    }
    const { factor } = this.#scale;
    const [x0, y0] = this.#drag.from;
    const [x1, y1] = place;
    const box = [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
    this.#drag.box = Math.min(box[2], box[3]) * factor > 12 ? box : null;
    this.draw();
  }

  #up(event) {
    if (!this.#drag) return;
    const { box } = this.#drag;
    this.#drag = null;
    if (box) {
      const region = box.map((v) => Math.round(v * 10) / 10);
      this.dispatchEvent(new CustomEvent("box", { detail: region }));
    } else {
      this.dispatchEvent(new CustomEvent("choose", { detail: this.#hit(this.#place(event)) }));
    }
    this.draw();
  }

  // Who is meant: the person with the closest visible bone, else the smallest box around the place.
  #hit([x, y]) {
    const reach = MARGIN_PX / this.#scale.factor;
    let best = null;
    let closest = reach;
    for (const person of this.people) {
      const layout = this.#frames.layouts[this.#people.layout];
      for (const [a, b] of layout?.edges ?? []) {
        const p = person.points;
        if (p[3 * a + 2] < MIN_SCORE || p[3 * b + 2] < MIN_SCORE) continue;
        const distance = toLine(x, y, p[3 * a], p[3 * a + 1], p[3 * b], p[3 * b + 1]);
        if (distance < closest) [closest, best] = [distance, person.id];
      }
    }
    if (best !== null) return best;
    const boxes = [
      ...this.people.map((p) => ({ id: p.id, box: p.box })),
      ...this.#regions().map((s) => ({ id: s.person, box: s.region })),
    ].filter(({ box }) => x >= box[0] && y >= box[1] && x <= box[0] + box[2] && y <= box[1] + box[3]);
    boxes.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
    return boxes[0]?.id ?? null;
  }
}

const partCache = new WeakMap();

// Of each bone what it belongs to: the "left" or "right" hand, the "body", or "fine" lines (face).
function partsOf(layout) {
  if (!partCache.has(layout)) {
    const sets = { left: new Set(layout.left), right: new Set(layout.right), body: new Set(layout.body) };
    partCache.set(layout, layout.edges.map(([a, b]) =>
      Object.keys(sets).find((part) => sets[part].has(a) && sets[part].has(b)) ?? "fine"));
  }
  return partCache.get(layout);
}

function toLine(x, y, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}
