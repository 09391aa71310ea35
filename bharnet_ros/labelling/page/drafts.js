// Labels that the server has not acknowledged yet, kept by the browser: they outlive a reload, a
// closed tab and a crash of either side. Each tab has its own; a tab that is gone leaves its draft
// to whichever opens the same labels next.

const PREFIX = "bharnet_ros-labels";

function tabId(fresh = false) {
  try {
    let id = sessionStorage.getItem(`${PREFIX}-tab`);
    if (!id || fresh) {
      id = crypto.getRandomValues(new Uint32Array(2)).join("-");
      sessionStorage.setItem(`${PREFIX}-tab`, id);
    }
    return id;
  } catch {
    return "only"; // storage is forbidden in this browser; saving works all the same
  }
}

export class Drafts {
  #document;
  #key;

  constructor(document) {
    this.#document = document;
    this.#key = `${PREFIX}:${document}:${tabId()}`;
  }

  // Holds a lock as long as this tab lives, so that others leave its draft alone. A tab that the
  // browser duplicated has the other's name and gets one of its own.
  async #hold() {
    for (let tries = 0; navigator.locks && tries < 2; tries++) {
      const held = await new Promise((resolve) => {
        const untilReleased = () => {
          resolve(true);
          return new Promise((done) => { this.release = done; });
        };
        // After a reload the page before may take a moment to let go.
        navigator.locks.request(this.#key, { signal: AbortSignal.timeout(1500) }, untilReleased)
          .catch(() => resolve(false));
      });
      if (held) return;
      this.#key = `${PREFIX}:${this.#document}:${tabId(true)}`;
    }
  }

  // Lets another tab take the draft over.
  release() {}

  // True if the browser really keeps it.
  keep(version, segments) {
    try {
      localStorage.setItem(this.#key, JSON.stringify({ version, segments }));
      return true;
    } catch {
      return false;
    }
  }

  drop() {
    try { localStorage.removeItem(this.#key); } catch { /* nothing was kept */ }
  }

  // This tab's draft, or one of a tab that is gone, as { version, segments }; it then is this tab's.
  async take() {
    await this.#hold();
    const locks = await navigator.locks?.query().catch(() => null);
    const alive = new Set((locks?.held ?? []).map((lock) => lock.name));
    try {
      const keys = Object.keys(localStorage).filter((k) => k.startsWith(`${PREFIX}:${this.#document}:`));
      const mine = keys.includes(this.#key) ? this.#key : keys.find((key) => !alive.has(key));
      if (!mine) return null;
      const draft = JSON.parse(localStorage.getItem(mine));
      if (typeof draft?.version !== "string" || !Array.isArray(draft.segments)) {
        localStorage.removeItem(mine);
        return null;
      }
      if (mine !== this.#key) {
        localStorage.setItem(this.#key, JSON.stringify(draft));
        localStorage.removeItem(mine);
      }
      return draft;
    } catch {
      return null;
    }
  }

  // Small things worth remembering: the mark that was set, the place in the recording.
  remember(name, value) {
    try { localStorage.setItem(`${PREFIX}-${name}:${this.#document}`, JSON.stringify(value)); } catch { /* only a comfort */ }
  }

  recall(name) {
    try { return JSON.parse(localStorage.getItem(`${PREFIX}-${name}:${this.#document}`)); } catch { return null; }
  }
}
