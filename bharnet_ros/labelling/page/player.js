// Where in the recording we are, and how time goes on while it plays.

export const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4, 8];
const AHEAD = 12;

export class Player extends EventTarget {
  index = 0;
  playing = false;
  buffering = false;
  speed = 1;
  #frames;
  #time = 0;
  #before = 0;
  #stop = Infinity; // where playing a single segment ends

  constructor(frames) {
    super();
    this.#frames = frames;
    frames.addEventListener("image", () => this.#wait());
    frames.addEventListener("grown", () => this.#prefetch());
  }

  get time() { return this.#frames.stamps[this.index] ?? 0; }

  seek(time) { this.seekIndex(this.#frames.nearest(time)); }

  seekIndex(index) {
    this.#stop = Infinity;
    this.#show(index);
    this.#time = this.time;
  }

  step(images) {
    this.pause();
    this.seekIndex(this.index + images);
  }

  skip(seconds) {
    this.#stop = Infinity;
    const target = this.time + seconds * 1e9;
    const index = this.#frames.nearest(target);
    // Where images are rarer than that, it still moves.
    this.#show(index === this.index ? index + Math.sign(seconds) : index);
    this.#time = this.time;
  }

  toggle() { (this.playing ? this.pause : this.play).call(this); }

  play(stop = Infinity) {
    if (this.index >= this.#frames.last) this.#show(0);
    this.#stop = stop;
    this.#time = this.time;
    this.#before = 0;
    if (!this.playing) requestAnimationFrame((now) => this.#tick(now));
    this.playing = true;
    this.dispatchEvent(new Event("state"));
  }

  pause() {
    this.playing = false;
    this.buffering = false;
    this.dispatchEvent(new Event("state"));
  }

  faster(steps) {
    const at = SPEEDS.indexOf(this.speed);
    this.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + steps))];
    this.dispatchEvent(new Event("state"));
  }

  // At high speeds only every so many images are shown.
  get #stride() { return Math.max(1, Math.floor(this.speed)); }

  #tick(now) {
    if (!this.playing) return;
    requestAnimationFrame((later) => this.#tick(later));
    const passed = this.#before ? Math.min(now - this.#before, 200) : 0;
    this.#before = now;
    if (this.buffering) return;
    const end = Math.min(this.#stop, this.#frames.stamps.at(-1) ?? 0);
    this.#time = Math.min(this.#time + passed * 1e6 * this.speed, end);
    let index = this.#frames.indexAt(this.#time);
    if (this.#time < end) index = Math.max(this.index, index - (index % this.#stride));
    if (index !== this.index) this.#show(index);
    this.#wait();
    if (this.#time >= end && (end === this.#stop || this.#frames.complete)) this.pause();
  }

  // No image is skipped because it came late: time waits for it.
  #wait() {
    const buffering = this.playing && this.#frames.image(this.index) === null;
    if (buffering === this.buffering) return;
    this.buffering = buffering;
    this.dispatchEvent(new Event("state"));
  }

  #show(index) {
    this.index = Math.max(0, Math.min(index, this.#frames.last));
    this.#prefetch();
    this.dispatchEvent(new Event("moved"));
  }

  #prefetch() {
    const stride = this.playing ? this.#stride : 1;
    const wanted = [this.index];
    for (let k = 1; k <= AHEAD; k++) wanted.push(this.index + k * stride);
    if (!this.playing) wanted.splice(4, 0, this.index - 1, this.index - 2, this.index - 3);
    this.#frames.want(wanted);
  }
}
