// The recording as far as this page knows it: times, images, skeletons. Everything is fetched when
// it is wanted and kept within bounds.

import { getJson, request } from "./api.js";

const BITMAP_BYTES = 192e6;
const PARALLEL = 3;
const CHUNK = 32; // skeletons are fetched by this many images
const CHUNKS = 64;
const POLL_MS = 700;

export class Frames extends EventTarget {
  stamps = []; // ns from the first image, rising
  people = new Map(); // track id -> [[first, last], ...]
  layouts = {};
  problems = [];
  complete = false;
  progress = 0;
  peopleProgress = 0;
  #length = 0;
  #bitmaps = new Map(); // index -> ImageBitmap, or a message for an image that cannot be shown
  #wanted = [];
  #running = new Map(); // index -> AbortController
  #chunks = new Map(); // number -> frames, or null while they are fetched
  #limit = 24;

  // End of the recording; a guess until it was read.
  get length() { return Math.max(this.#length, this.stamps.at(-1) ?? 0, 1); }
  get last() { return this.stamps.length - 1; }

  async follow(overview) {
    this.#length = overview.length_ns;
    for (;;) {
      try {
        const news = await getJson(`/api/stamps?from=${this.stamps.length}`);
        for (const stamp of news.stamps) this.stamps.push(stamp);
        this.people = new Map(Object.entries(news.people).map(([id, spans]) => [Number(id), spans]));
        Object.assign(this, { problems: news.problems, complete: news.complete, progress: news.progress });
        this.peopleProgress = news.people_progress;
        this.#length = news.complete ? 0 : news.length_ns;
        this.dispatchEvent(new Event("grown"));
        if (news.complete && news.people_progress >= 1) return;
      } catch (error) {
        if (error.status === 401) return;
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  // The image that is shown at a time: the last one that is not later.
  indexAt(time) {
    let low = 0;
    let high = this.stamps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.stamps[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  // The image whose time lies closest.
  nearest(time) {
    const at = this.indexAt(time);
    const after = Math.min(at + 1, this.last);
    return Math.abs(this.stamps[after] - time) < Math.abs(this.stamps[at] - time) ? after : at;
  }

  image(index) { return this.#bitmaps.get(index) ?? null; }

  // What should be at hand, the most urgent first; anything else under way is given up.
  want(indices) {
    this.#wanted = indices.filter((i) => i >= 0 && i <= this.last);
    const keep = new Set(this.#wanted);
    for (const [index, abort] of this.#running) if (!keep.has(index)) abort.abort();
    for (const index of this.#wanted) {
      const held = this.#bitmaps.get(index);
      if (held !== undefined) { // newest last
        this.#bitmaps.delete(index);
        this.#bitmaps.set(index, held);
      }
    }
    this.#start();
  }

  #start() {
    for (const index of this.#wanted) {
      if (this.#running.size >= PARALLEL) return;
      if (this.#bitmaps.has(index) || this.#running.has(index)) continue;
      const abort = new AbortController();
      this.#running.set(index, abort);
      this.#fetch(index, abort.signal).finally(() => {
        if (this.#running.get(index) === abort) this.#running.delete(index);
        this.#start();
      });
    }
  }

  async #fetch(index, signal) {
    let image;
    try {
      const response = await request(`/api/image?index=${index}`, { signal });
      image = await createImageBitmap(await response.blob());
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 0 || error.status === 401) { // the server is gone for now: ask again later
        await new Promise((done) => setTimeout(done, 1000));
        return;
      }
      image = error.message || "This image cannot be shown.";
    }
    this.#bitmaps.set(index, image);
    if (image.width) this.#limit = Math.max(16, Math.floor(BITMAP_BYTES / (image.width * image.height * 4)));
    for (const [old, held] of this.#bitmaps) {
      if (this.#bitmaps.size <= Math.min(this.#limit, 300)) break;
      if (this.#wanted.includes(old)) continue;
      this.#bitmaps.delete(old);
      held.close?.();
    }
    this.dispatchEvent(new CustomEvent("image", { detail: index }));
  }

  // The people of an image: { width, height, layout, people }; null if unknown (yet).
  skeletons(index) {
    if (index < 0 || index > this.last) return null;
    const number = Math.floor(index / CHUNK);
    this.#ask(number);
    if (index % CHUNK > CHUNK / 2) this.#ask(number + 1);
    return this.#chunks.get(number)?.[index % CHUNK] ?? null;
  }

  // Where a person is in an image: [x, y, width, height], null if not seen (or not known yet).
  box(person, index) {
    const box = this.skeletons(index)?.people.find((p) => p.id === person)?.box;
    return box && box[2] > 0 && box[3] > 0 ? box.map((v) => Math.round(v * 10) / 10) : null;
  }

  // The same, and waits for what has to be fetched first.
  async boxWhenKnown(person, index) {
    for (let tries = 0; tries < 40 && !this.#chunks.get(Math.floor(index / CHUNK)); tries++) {
      this.skeletons(index);
      await new Promise((done) => setTimeout(done, 100));
    }
    return this.box(person, index);
  }

  async #ask(number) {
    const first = number * CHUNK;
    if (this.#chunks.has(number) || first > this.last) return;
    this.#chunks.set(number, null);
    try {
      const got = await getJson(`/api/skeletons?from=${first}&count=${CHUNK}`);
      Object.assign(this.layouts, got.layouts);
      this.#chunks.set(number, got.frames);
      // What is missing may come yet: the recording is still read, or people are looked for.
      if ((got.frames.length < CHUNK && !this.complete) || (this.peopleProgress < 1 && got.frames.includes(null))) {
        setTimeout(() => this.#chunks.delete(number), POLL_MS);
      }
      for (const old of this.#chunks.keys()) {
        if (this.#chunks.size <= CHUNKS) break;
        this.#chunks.delete(old);
      }
      this.dispatchEvent(new Event("skeletons"));
    } catch {
      setTimeout(() => this.#chunks.delete(number), 1000);
    }
  }
}
