// Mouse and touch on the timeline: go somewhere, choose, drag edges, zoom.

import { GUTTER, RULER } from "./timeline.js";

export function connectTimeline(timeline, { frames, player, labels, editor, view }) {
  const { canvas } = timeline;
  let drag = null;

  const place = (event) => {
    const rect = canvas.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  // Edges lie on images, not between them.
  const snapped = (x) => frames.stamps[frames.nearest(timeline.timeAt(x))] ?? 0;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = place(event);
    const person = timeline.laneAt(y);
    if (x < GUTTER) {
      if (person !== undefined) editor.choose(person);
      return;
    }
    canvas.setPointerCapture(event.pointerId);
    const hit = timeline.hit(x, y);
    if (hit) {
      editor.select(hit.segment.id);
      if (hit.edge) {
        player.pause();
        drag = { kind: "edge", ...hit };
        player.seek(hit.segment[hit.edge]);
      }
      return;
    }
    if (person !== undefined) {
      editor.select(null);
      editor.choose(person);
    }
    drag = { kind: "seek" };
    player.seek(timeline.timeAt(x));
  });

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (!drag) {
      const hit = timeline.hit(x, y);
      canvas.style.cursor = x < GUTTER ? "pointer" : hit?.edge ? "ew-resize" : hit ? "pointer" : "text";
      canvas.title = hit ? hit.segment.label : "";
      return;
    }
    if (drag.kind === "seek") {
      player.seek(timeline.timeAt(x));
      return;
    }
    const { segment, edge } = drag;
    const [low, high] = labels.room(segment);
    const time = Math.min(Math.max(snapped(x), low), high);
    const moved = { id: segment.id, start_ns: segment.start_ns, end_ns: segment.end_ns, [edge]: time };
    if (moved.start_ns >= moved.end_ns) return;
    timeline.preview = moved;
    player.seek(time); // shows what the edge cuts
  });

  canvas.addEventListener("pointerup", () => {
    const { preview } = timeline;
    timeline.preview = null;
    if (drag?.kind === "edge" && preview) editor.moveEdge(drag.edge, preview[drag.edge], preview.id);
    drag = null;
    timeline.draw();
  });

  canvas.addEventListener("pointercancel", () => {
    timeline.preview = null;
    drag = null;
    timeline.draw();
  });

  canvas.addEventListener("dblclick", (event) => {
    const [x, y] = place(event);
    const hit = timeline.hit(x, y);
    if (hit) {
      editor.select(hit.segment.id);
      editor.playSelected();
    } else if (y < RULER) timeline.fit();
  });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x] = place(event);
    const unit = event.deltaMode === 1 ? 20 : 1;
    if (x < GUTTER) timeline.scrollLanes(event.deltaY * unit);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      timeline.pan((event.deltaX || event.deltaY) * unit);
    } else timeline.zoom(Math.exp(-event.deltaY * unit * 0.0022), x);
  }, { passive: false });

  player.addEventListener("moved", () => {
    if (!drag) timeline.reveal(player.time);
    timeline.draw();
  });
  player.addEventListener("state", () => timeline.draw());
  frames.addEventListener("grown", () => timeline.draw());
  labels.addEventListener("shown", () => timeline.draw());
  view.addEventListener("choose", () => timeline.revealLane(editor.person));
  editor.addEventListener("changed", () => {
    if (editor.segment) timeline.reveal(editor.segment.start_ns);
    timeline.draw();
  });
}
