// Puts the page together.

import { getJson } from "./api.js";
import { Classes } from "./classes.js";
import { classColour, personColour, personName } from "./colours.js";
import { $, dot, make } from "./dom.js";
import { Drafts } from "./drafts.js";
import { Editor } from "./editor.js";
import { Frames } from "./frames.js";
import { commands, connectKeys, fillHelp } from "./keys.js";
import { Labels } from "./labels.js";
import { connectList } from "./list.js";
import { connectPalette } from "./palette.js";
import { Player, SPEEDS } from "./player.js";
import { Saver } from "./saver.js";
import { connectStatus, toast } from "./status.js";
import { formatTime } from "./time.js";
import { Timeline } from "./timeline.js";
import { connectTimeline } from "./timeline_input.js";
import { View } from "./view.js";

// The address of a server that was started again differs only in what browsers do not load anew.
addEventListener("hashchange", () => location.reload());

async function start() {
  const overview = await getJson("/api/recording");
  document.title = `${overview.name} – labels`;
  $("name").textContent = overview.name;
  $("name").title = overview.labels_path;

  const drafts = new Drafts(overview.document);
  const labels = new Labels();
  const classes = new Classes(overview.classes, labels, drafts);
  const frames = new Frames();
  const player = new Player(frames);
  const view = new View($("view"), frames);
  const saver = new Saver(labels, drafts, overview.document);
  const editor = new Editor({ labels, player, frames, view, drafts });
  const parts = { frames, player, labels, editor, classes, view, saver, drafts };
  const timeline = new Timeline($("timeline"), parts);

  connectStatus(parts);
  connectTimeline(timeline, parts);
  connectPalette(parts);
  connectList(parts);
  connectTransport(parts);
  const ui = {
    findClass: () => { $("find").focus(); $("find").select(); },
    toggleSkeletons: () => $("skeletons").click(),
    showHelp: () => $("shortcuts").showModal(),
  };
  const table = commands({ ...parts, timeline, ui });
  fillHelp($("keys"), table);
  connectKeys(table, parts);
  $("help").onclick = ui.showHelp;
  connectView(parts);

  const news = await saver.open();
  if (news) toast(news, 8000);
  keepPlace(parts);
  editor.restore();
  frames.follow(overview);
  document.body.dataset.ready = "true";
}

function connectTransport({ player, frames, labels, editor, classes }) {
  $("play").onclick = () => player.toggle();
  $("previous").onclick = () => player.step(-1);
  $("next").onclick = () => player.step(1);
  $("start").onclick = () => editor.markStart();
  $("end").onclick = () => editor.markEnd();
  $("undo").onclick = () => labels.undo();
  $("redo").onclick = () => labels.redo();
  const speed = $("speed");
  speed.append(...SPEEDS.map((s) => make("option", { value: s, textContent: `${s}×` })));
  speed.onchange = () => {
    player.faster(SPEEDS.indexOf(Number(speed.value)) - SPEEDS.indexOf(player.speed));
    speed.blur();
  };

  const draw = () => {
    $("play").classList.toggle("playing", player.playing);
    $("buffering").hidden = !player.buffering;
    speed.value = String(player.speed);
    const total = frames.complete ? "" : "…";
    $("time").textContent = `${formatTime(player.time)} / ${formatTime(frames.length)}${total}  ·  image ${player.index + 1}`;
    const percent = (share) => `${Math.floor(share * 100)} %`;
    $("reading").textContent = !frames.complete ? `reading the recording, ${percent(frames.progress)}`
      : frames.peopleProgress < 1 ? `looking for people, ${percent(frames.peopleProgress)}` : "";
    $("undo").disabled = !labels.canUndo;
    $("redo").disabled = !labels.canRedo;
    $("start").classList.toggle("open", editor.pending !== null);
    const name = editor.pending?.label ?? editor.className;
    $("now").replaceChildren(
      dot(personColour(editor.person), true), make("span", { textContent: personName(editor.person) }),
      name ? dot(classColour(classes.indexOf(name))) : "",
      make("span", { className: name ? "" : "quiet", textContent: name ?? "no class" }));
  };
  for (const [source, names] of [[player, ["moved", "state"]], [frames, ["grown"]], [labels, ["shown"]], [editor, ["changed"]]]) {
    for (const name of names) source.addEventListener(name, draw);
  }
  draw();
}

function connectView({ view, frames, player, labels, editor, classes }) {
  const draw = () => {
    const time = player.time;
    view.chosen = editor.person;
    view.active = labels.segments
      .filter((s) => s.start_ns <= time && time < s.end_ns)
      .map(({ person, region, label }) => ({ person, region, label, colour: classColour(classes.indexOf(label)) }));
    if (editor.pending) view.active.push({ ...editor.pending, label: `${editor.pending.label ?? "?"} …` });
    view.show(player.index);
  };
  player.addEventListener("moved", draw);
  frames.addEventListener("image", ({ detail }) => { if (detail === player.index) draw(); });
  frames.addEventListener("skeletons", draw);
  labels.addEventListener("shown", draw);
  editor.addEventListener("changed", draw);
  $("skeletons").onchange = (event) => {
    view.showSkeletons = event.target.checked;
    draw();
  };
}

// A reload comes back to the same image.
function keepPlace({ player, frames, drafts }) {
  const place = drafts.recall("place");
  let timer = 0;
  player.addEventListener("moved", () => {
    clearTimeout(timer);
    timer = setTimeout(() => drafts.remember("place", player.time), 300);
  });
  frames.addEventListener("grown", function back() {
    if (!frames.stamps.length) return;
    const wanted = typeof place === "number" ? place : 0;
    if (wanted > frames.stamps.at(-1) && !frames.complete) return;
    frames.removeEventListener("grown", back);
    if (player.index === 0) player.seek(wanted);
  });
}

start().catch((error) => {
  const banner = $("banner");
  banner.textContent = error.status === 401 ? error.message : `This page could not start: ${error.message}`;
  banner.hidden = false;
  $("save").textContent = "not open";
});
