// Timelines that move and zoom. Only what is in view is drawn, so hours of bars stay quick.
"use strict";

(() => {
  const NS = "http://www.w3.org/2000/svg";
  const LEFT = 104, RIGHT = 10, BAR = 19, GAP = 3, SURE = 26, HANDS = 3, AXIS = 22, SPACE = 14;
  const BARS = 2 * (BAR + GAP) + SPACE; // height of a person who was never judged
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const START_S = 40; // in view at first
  const SMALLEST_S = 2;

  const make = (name, attributes = {}, text = null) => {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== null) element.textContent = text;
    return element;
  };
  const clock = (seconds, digits = 0) => {
    const all = Math.max(0, Number(seconds.toFixed(digits)));
    const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
    const rest = (all % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const showTip = (event, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.min(event.clientX + 12, innerWidth - box.width - 8)}px`;
    tip.style.top = `${event.clientY + 16 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 16}px`;
  };

  const pen = document.createElement("canvas").getContext("2d");
  const letters = getComputedStyle(document.body).fontFamily;
  const fit = (text, room) => {
    pen.font = `11px ${letters}`;
    if (pen.measureText(text).width <= room) return text;
    let count = text.length - 1;
    while (count > 1 && pen.measureText(`${text.slice(0, count)}…`).width > room) count -= 1;
    return count > 1 ? `${text.slice(0, count)}…` : "";
  };

  class Timeline {
    constructor(place, record) {
      this.place = place;
      this.record = record;
      this.total = Math.max(record.seconds, 0.001);
      this.span = Math.min(this.total, START_S);
      this.start = 0;
      this.chosen = null;
      this.mistakes = this.findMistakes();
      this.build();
      new ResizeObserver(() => this.draw()).observe(place);
    }

    findMistakes() {
      const found = [];
      for (const [lane, person] of this.record.people.entries()) {
        for (const bar of person.truth) if (bar[3] === "wrong" || bar[3] === "missed") found.push({ lane, bar });
        for (const bar of person.reports) if (bar[3] === "alarm") found.push({ lane, bar });
      }
      return found.sort((a, b) => a.bar[0] - b.bar[0]);
    }

    build() {
      const controls = document.createElement("div");
      controls.className = "controls";
      const button = (text, title, action) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = text;
        made.title = title;
        made.addEventListener("click", action);
        controls.append(made);
      };
      button("−", "Zoom out (−)", () => this.zoom(2));
      button("+", "Zoom in (+)", () => this.zoom(0.5));
      button("All", "Show the whole recording (0)", () => this.show(0, this.total));
      if (this.mistakes.length) {
        button("◀ mistake", "Previous mistake (p)", () => this.step(-1));
        button("mistake ▶", "Next mistake (n)", () => this.step(1));
      }
      this.now = document.createElement("span");
      this.now.className = "now";
      this.now.setAttribute("aria-live", "polite");
      controls.append(this.now);
      this.view = make("svg", { class: "view", tabindex: "0", role: "application" });
      this.view.setAttribute("aria-label", `Timeline of ${this.record.name}: arrows move, + and − zoom, n and p go to mistakes; the table below holds the same`);
      this.overview = make("svg", { class: "overview", "aria-hidden": "true" });
      this.place.append(controls, this.view, this.overview);
      this.listen();
    }

    listen() {
      let from = null;
      this.view.addEventListener("pointerdown", (event) => {
        if (event.button === 0) { from = { x: event.clientX, start: this.start }; this.view.setPointerCapture(event.pointerId); }
      });
      this.view.addEventListener("pointermove", (event) => {
        if (from) { tip.hidden = true; this.show(from.start - (event.clientX - from.x) / this.scale(), this.span); return; }
        const bar = event.target.closest?.("[data-tip]");
        if (bar) showTip(event, bar.dataset.tip); else tip.hidden = true;
      });
      for (const end of ["pointerup", "pointercancel"]) this.view.addEventListener(end, () => { from = null; });
      this.view.addEventListener("pointerleave", () => { tip.hidden = true; });
      this.view.addEventListener("wheel", (event) => {
        const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
        if (!event.ctrlKey && !event.metaKey && !sideways) return; // the page scrolls
        event.preventDefault();
        if (sideways) this.show(this.start + (event.deltaX || event.deltaY) / this.scale(), this.span);
        else this.zoom(Math.exp(event.deltaY / 300), this.timeAt(event.clientX));
      }, { passive: false });
      this.view.addEventListener("dblclick", (event) => this.zoom(0.5, this.timeAt(event.clientX)));
      this.view.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const actions = {
          ArrowLeft: () => this.show(this.start - this.span / 5, this.span),
          ArrowRight: () => this.show(this.start + this.span / 5, this.span),
          Home: () => this.show(0, this.span), End: () => this.show(this.total, this.span),
          "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "−": () => this.zoom(2),
          0: () => this.show(0, this.total), n: () => this.step(1), p: () => this.step(-1),
        };
        if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
      });
      const jump = (event) => {
        const box = this.overview.getBoundingClientRect();
        const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
        this.show(share * this.total - this.span / 2, this.span);
      };
      this.overview.addEventListener("pointerdown", (event) => { this.overview.setPointerCapture(event.pointerId); jump(event); });
      this.overview.addEventListener("pointermove", (event) => { if (event.buttons & 1) jump(event); });
    }

    scale() { return Math.max(50, this.width - LEFT - RIGHT) / this.span; }
    timeAt(clientX) { return this.start + (clientX - this.view.getBoundingClientRect().left - LEFT) / this.scale(); }

    zoom(factor, around = this.start + this.span / 2) {
      const span = Math.min(this.total, Math.max(Math.min(SMALLEST_S, this.total), this.span * factor));
      this.show(around - (around - this.start) * span / this.span, span);
    }

    show(start, span) {
      this.span = span;
      this.start = Math.max(0, Math.min(start, this.total - span));
      this.draw();
    }

    step(direction) {
      const middle = this.start + this.span / 2;
      const current = this.mistakes.indexOf(this.chosen);
      let index = current + direction;
      if (current < 0) {
        index = direction > 0
          ? this.mistakes.findIndex((m) => m.bar[1] >= this.start)
          : this.mistakes.findLastIndex((m) => m.bar[0] <= middle);
      }
      this.chosen = this.mistakes[(index + this.mistakes.length) % this.mistakes.length];
      const [from, to] = this.chosen.bar;
      this.show((from + to) / 2 - this.span / 2, this.span);
    }

    draw() {
      this.width = this.place.clientWidth;
      if (!this.width) return; // folded
      const tops = [AXIS];
      for (const person of this.record.people) {
        person.judged ??= /[^-]/.test(person.kinds);
        tops.push(tops[tops.length - 1] + BARS + (person.judged ? SURE + HANDS : 0));
      }
      const height = tops[tops.length - 1];
      this.view.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
      const parts = [...this.axis(height)];
      this.record.people.forEach((person, index) => parts.push(...this.lane(person, tops[index])));
      this.view.replaceChildren(...parts);
      this.drawOverview();
      const place = this.chosen ? ` · mistake ${this.mistakes.indexOf(this.chosen) + 1} of ${this.mistakes.length}` : "";
      this.now.textContent = `${clock(this.start, 1)} to ${clock(this.start + this.span, 1)} of ${clock(this.total, 1)}${place}`;
    }

    axis(height) {
      const most = Math.max(2, (this.width - LEFT) / 90);
      const step = STEPS.find((s) => this.span / s <= most) || 14400;
      const parts = [];
      for (let i = Math.ceil(this.start / step); i * step <= this.start + this.span; i += 1) {
        const x = LEFT + (i * step - this.start) * this.scale();
        parts.push(make("line", { x1: x, x2: x, y1: AXIS - 5, y2: height, class: "grid" }));
        if (x < this.width - 44) parts.push(make("text", { x: x + 3, y: AXIS - 8, class: "tick" }, clock(i * step, step < 1 ? 1 : 0)));
      }
      return parts;
    }

    lane(person, top) {
      const rows = [top, top + BAR + GAP, top + 2 * (BAR + GAP)];
      const parts = [make("text", { x: 0, y: top + 13.5, class: "who" }, person.title)];
      parts.push(make("text", { x: 0, y: rows[1] + 13.5, class: "label" }, "reported"));
      if (person.judged) {
        parts.push(make("text", { x: 0, y: rows[2] + 16, class: "label" }, "how sure"));
        parts.push(...this.sureness(person, rows[2]));
      }
      for (const [row, bars] of [person.truth, person.reports].entries()) {
        let last = -Infinity;
        for (const bar of bars) {
          const x = LEFT + (bar[0] - this.start) * this.scale(), end = LEFT + (bar[1] - this.start) * this.scale();
          if (end < LEFT || x > this.width - RIGHT) continue;
          if (end < last + 0.7 && this.chosen?.bar !== bar) continue; // hidden under the last pixel
          last = Math.max(end, x + 1.5);
          parts.push(this.bar(bar, x, end, rows[row], row ? "reported" : "true"));
        }
      }
      return parts;
    }

    bar(bar, x, end, y, kind) {
      const left = Math.max(x, LEFT), right = Math.min(Math.max(end, x + 1.5), this.width - RIGHT);
      const group = make("g", { class: `bar ${bar[3]}${this.chosen?.bar === bar ? " hit" : ""}` });
      group.dataset.tip = `${kind}: ${bar[2]} · ${clock(bar[0], 1)} to ${clock(bar[1], 1)} · ${bar[4]}`;
      group.append(make("rect", { x: left, y, width: Math.max(0.5, right - left), height: BAR, rx: 3 }));
      const text = right - left > 12 ? fit(bar[2], right - left - 7) : "";
      if (text) group.append(make("text", { x: left + 3.5, y: y + 13.5 }, text));
      return group;
    }

    // Neighbouring cells of one kind become one shape, and those under one pixel are joined.
    sureness(person, top) {
      const parts = [], cell = person.cell, count = person.kinds.length;
      const first = Math.max(0, Math.floor(this.start / cell)), end = Math.min(count, Math.ceil((this.start + this.span) / cell));
      const group = Math.max(1, Math.floor(1 / (cell * this.scale())));
      const place = (i) => LEFT + Math.max(0, Math.min(this.span, i * cell - this.start)) * this.scale();
      const shapes = { 0: "", 1: "", 2: "" };
      let hands = "";
      for (let i = first; i < end; i += group) {
        let best = -1;
        for (let j = i; j < Math.min(end, i + group); j += 1) {
          if (person.kinds[j] !== "-" && (best < 0 || person.sureness[j] > person.sureness[best])) best = j;
        }
        const x = place(i), width = place(Math.min(end, i + group)) - x;
        if (best >= 0) {
          const tall = SURE * parseInt(person.sureness[best], 36) / 35;
          shapes[person.kinds[best]] += `M${x.toFixed(1)} ${top + SURE}v${(-tall).toFixed(1)}h${width.toFixed(2)}v${tall.toFixed(1)}z`;
        }
        if (person.hands[i] === "1") hands += `M${x.toFixed(1)} ${top + SURE + 1}h${width.toFixed(2)}v${HANDS - 1}h${(-width).toFixed(2)}z`;
      }
      for (const kind of ["0", "1", "2"]) if (shapes[kind]) parts.push(make("path", { d: shapes[kind], class: `cell${kind}` }));
      if (hands) parts.push(make("path", { d: hands, class: "handline" }));
      return parts;
    }

    drawOverview() {
      const height = 26, width = this.width - LEFT - RIGHT, scale = width / this.total;
      this.overview.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
      const parts = [
        make("text", { x: 0, y: 17, class: "label" }, "whole length"),
        make("rect", { x: LEFT, y: 4, width, height: 18, class: "base", rx: 3 }),
      ];
      for (const { bar } of this.mistakes) {
        const mark = make("g", { class: `bar ${bar[3]}` });
        mark.append(make("rect", { x: LEFT + bar[0] * scale, y: 7, width: Math.max(2, (bar[1] - bar[0]) * scale), height: 12 }));
        parts.push(mark);
      }
      parts.push(make("rect", { x: LEFT + this.start * scale, y: 1, width: Math.max(4, this.span * scale), height: 24, class: "window", rx: 3 }));
      this.overview.replaceChildren(...parts);
    }
  }

  for (const place of document.querySelectorAll(".timeline")) {
    new Timeline(place, JSON.parse(document.getElementById(place.dataset.source).textContent));
  }
})();
