// Saves every change at once, and says truthfully how things stand.
//
// state: "saved", "saving", "failed" (tried again by itself), "conflict" (somebody else changed the
// labels: the user chooses), "closed" (this page's token belongs to an earlier start of the server),
// "refused" (the server found the labels wrong; the next change tries again).

import { getJson } from "./api.js";
import { sameRows, toRow } from "./labels.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000];

export class Saver extends EventTarget {
  state = "saved";
  message = "";
  theirs = null; // in a conflict: { version, segments }
  draftKept = true;
  #labels;
  #drafts;
  #version = "new";
  #dirty = false;
  #busy = false;
  #tries = 0;
  #timer = 0;
  #channel;

  constructor(labels, drafts, document) {
    super();
    this.#labels = labels;
    this.#drafts = drafts;
    labels.addEventListener("change", () => this.#changed());
    addEventListener("beforeunload", (event) => {
      // With a draft kept nothing is lost; a question would only be in the way of a reload.
      if (this.#dirty && !this.draftKept) event.preventDefault();
    });
    this.#channel = new BroadcastChannel(`bharnet_ros-labels:${document}`);
    this.#channel.onmessage = () => this.#othersSaved();
  }

  get dirty() { return this.#dirty; }

  // Reads the labels; brings back what an earlier page could not save. Says what happened.
  async open() {
    const saved = await getJson("/api/labels");
    const draft = await this.#drafts.take();
    this.#adopt(saved);
    if (!draft || sameRows(draft.segments, saved.segments)) {
      this.#drafts.drop();
      return "";
    }
    this.#labels.replaceAll(draft.segments);
    if (draft.version === saved.version) return "Labels that had not been saved were restored.";
    clearTimeout(this.#timer);
    this.#version = draft.version;
    this.#keepDraft();
    this.#conflict(saved, "Labels that this browser kept were never saved, and the file has changed since.");
    return "";
  }

  // The two ways out of a conflict.
  useTheirs() {
    this.#adopt(this.theirs);
    this.#drafts.drop();
  }

  keepMine() {
    this.#version = this.theirs.version;
    this.#set("saving");
    this.#changed();
  }

  now() {
    if (["conflict", "closed"].includes(this.state)) return;
    clearTimeout(this.#timer);
    this.#save();
  }

  #adopt(saved) {
    this.#version = saved.version;
    this.#dirty = false;
    this.theirs = null;
    this.#labels.load(saved.segments);
    this.#set("saved");
  }

  #keepDraft() {
    this.#dirty = true;
    this.draftKept = this.#drafts.keep(this.#version, this.#labels.segments.map(toRow));
  }

  #changed() {
    this.#keepDraft();
    if (!["conflict", "closed"].includes(this.state)) this.now();
    else this.dispatchEvent(new Event("state"));
  }

  async #save() {
    if (this.#busy) return; // goes on when the one under way is answered
    this.#busy = true;
    const sent = this.#labels.segments;
    if (this.state !== "failed") this.#set("saving");
    try {
      const json = { version: this.#version, segments: sent.map(toRow) };
      const saved = await getJson("/api/labels", { method: "PUT", json });
      this.#version = saved.version;
      this.#tries = 0;
      this.#channel.postMessage("saved");
      if (sent === this.#labels.segments) {
        this.#dirty = false;
        this.#drafts.drop();
        this.#set("saved");
      } else {
        this.#keepDraft();
        queueMicrotask(() => this.#save());
      }
    } catch (error) {
      this.#failed(error, sent);
    } finally {
      this.#busy = false;
    }
  }

  #failed(error, sent) {
    if (error.status === 409) this.#conflict(error.data, error.message);
    else if (error.status === 401) {
      this.#drafts.release();
      this.#set("closed", error.message);
    } else if (error.status === 422 || error.status === 413) {
      this.#set("refused", error.message);
      if (sent !== this.#labels.segments) queueMicrotask(() => this.#save());
    } else {
      const wait = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
      this.#tries += 1;
      this.#timer = setTimeout(() => this.#save(), wait);
      this.#set("failed", error.message);
    }
  }

  #conflict(theirs, message) {
    this.theirs = { version: theirs.version, segments: theirs.segments };
    this.#dirty = true;
    this.#set("conflict", message);
  }

  async #othersSaved() {
    if (this.#dirty || this.#busy || this.state !== "saved") return; // a conflict shows when saving
    const saved = await getJson("/api/labels").catch(() => null);
    if (!saved || this.#dirty || this.#busy || saved.version === this.#version) return;
    this.#adopt(saved);
    this.dispatchEvent(new Event("updated"));
  }

  #set(state, message = "") {
    this.state = state;
    this.message = message;
    this.dispatchEvent(new Event("state"));
  }
}
