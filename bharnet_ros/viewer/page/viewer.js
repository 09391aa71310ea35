// Asks for the newest picture and the newest state, again and again, while somebody looks.

// As the browser spells it: tokens have nothing to decode, and what was cut off in copying ("…") or is no
// code (%zz) has to reach the server to be refused.
const TOKEN = location.hash.slice(1);
const LEVELS = ["fine", "warn", "error", "silent"];
const STALE_S = 2;
const MAX_AGE_MS = 600000;
const $ = (id) => document.getElementById(id);

class Gone extends Error {}

let paused = false;
let lastPicture = null; // when the newest picture came to the robot, on the clock of performance.now()
let lastState = 0;
let ages = null;
const times = [];

function looking() {
  return !paused && document.visibilityState === "visible";
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function ask(path) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 20000);
  try {
    const answer = await fetch(path, {
      headers: { "X-Access-Token": TOKEN }, cache: "no-store", signal: limit.signal,
    });
    if (answer.status === 401 || answer.status === 403 || answer.status === 421) {
      const said = await answer.json().catch(() => ({}));
      throw new Gone(said.error ?? `The robot answered ${answer.status}.`);
    }
    if (!answer.ok) throw new Error(`The robot answered ${answer.status}.`);
    const began = performance.now(); // the body may be long on its way
    return answer.status === 204 ? null : { answer, began, body: await answer.blob() };
  } finally {
    clearTimeout(timer);
  }
}

// Runs a step for as long as somebody looks; a failure is shown and tried again.
async function forever(step) {
  for (;;) {
    while (!looking()) await sleep(200);
    try {
      await step();
      say("");
    } catch (error) {
      if (error instanceof Gone) return say(error.message, true);
      say("The robot does not answer; trying again.", true);
      link("lost", "no connection");
      await sleep(1000);
    }
  }
}

function say(text, bad = false) {
  problem = text;
  isBad = bad;
  showBanner();
}

let problem = "";
let isBad = false;
let notice = "";

function showBanner() {
  const text = problem || notice;
  $("banner").hidden = !text;
  $("banner").textContent = text;
  $("banner").classList.toggle("bad", Boolean(problem) && isBad);
}

function link(kind, text) {
  $("link").className = `pill ${kind}`;
  if ($("link").textContent !== text) $("link").textContent = text;
}

// the picture

let number = 0;

async function nextPicture() {
  const came = await ask(`/api/picture?after=${number}`);
  if (came === null) return;
  number = Number(came.answer.headers.get("X-Number"));
  const image = await createImageBitmap(came.body);
  const canvas = $("view");
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").drawImage(image, 0, 0);
  image.close();
  const now = performance.now();
  ages = Number(came.answer.headers.get("X-Age-Ms")) + Math.round(now - came.began);
  // A page that is opened late gets the last picture there was, however old.
  lastPicture = came.began - Number(came.answer.headers.get("X-Held-Ms"));
  times.push(now);
  while (times.length > 40 || times[0] < now - 3000) times.shift();
  document.body.dataset.pictures = String(Number(document.body.dataset.pictures ?? 0) + 1);
}

// the words beside it

let version = 0;

async function nextState() {
  const came = await ask(`/api/state?after=${version}`);
  if (came !== null) {
    const state = JSON.parse(await came.body.text());
    version = state.version;
    lastState = performance.now() - 1000 * (state.people_age_s ?? 0);
    notice = state.notice;
    showBanner();
    showPeople(state);
    showEvents(state.events);
    showNodes(state.nodes);
  }
  await sleep(100);
}

// Texts come from other nodes: they are only ever set as text, never as HTML.
function element(name, { text, classes = "" } = {}, ...children) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

function showPeople({ people, people_age_s: age }) {
  $("count").textContent = age === null ? "" : String(people.length);
  if (!people.length) {
    const text = age === null ? "nothing recognised yet" : "nobody in view";
    return $("people").replaceChildren(element("div", { text, classes: "none" }));
  }
  $("people").replaceChildren(...people.map((person) => {
    const [best, ...others] = person.hypotheses;
    const acting = person.state === "started" || person.state === "ongoing";
    const label = best ? best[0] + (person.state === "ended" ? " ended" : "") : "unknown";
    const bar = element("div", { classes: "bar" }, element("i"));
    bar.firstChild.style.width = `${best ? 100 * best[1] : 0}%`;
    const more = [];
    if (acting) more.push(`body ${percent(person.body)} · hand ${percent(person.hand)}`);
    if (others.length) more.push(others.map(([name, share]) => `${name} ${percent(share)}`).join(" · "));
    const card = element(
      "div", { classes: acting ? "person acting" : "person" },
      element(
        "div", { classes: "title" },
        element("span", { text: label, classes: "label" }),
        element("span", { text: best ? percent(best[1]) : "", classes: "quiet" }),
        element("span", { text: `#${person.id}`, classes: "quiet" }),
      ),
      bar,
      element("div", { text: more.join(" — "), classes: "more" }),
    );
    card.style.borderLeftColor = person.colour;
    return card;
  }));
}

function showEvents(events) {
  const list = $("events");
  if (!events.length) return list.replaceChildren(element("li", { text: "none yet", classes: "none" }));
  list.replaceChildren(...events.toReversed().map((event) => {
    const dot = element("span", { classes: "dot" });
    dot.style.background = event.colour;
    const lasted = event.lasted_s === null ? "" : `${event.lasted_s.toFixed(1)} s`;
    return element(
      "li", { classes: event.state }, dot,
      element("span", { text: `#${event.person} ${event.label} ${event.state}`, classes: "what" }),
      element("span", { text: lasted, classes: "quiet" }),
    );
  }));
}

// Kept from one state to the next: states come many times a second, and a click or the focus belongs
// to the element it began on.
const known = new Map();
const noNodes = element("div", { text: "none heard of yet", classes: "none" });

function partsOf(name) {
  if (!known.has(name)) {
    const [level, text, table] = [element("span"), element("span"), element("table")];
    const summary = element("summary", {}, level, element("b", { text: name }), " ", text);
    known.set(name, { whole: element("details", {}, summary, table), level, text, table, values: "" });
  }
  return known.get(name);
}

function showNodes(nodes) {
  for (const node of nodes) {
    const parts = partsOf(node.name);
    const silent = node.age_s > 5;
    const level = silent ? "silent" : (LEVELS[node.level] ?? "silent");
    parts.whole.dataset.level = level;
    parts.level.className = `level ${level}`;
    parts.text.textContent = silent ? `silent for ${Math.round(node.age_s)} s` : node.message;
    const values = JSON.stringify(node.values);
    if (values === parts.values) continue;
    parts.values = values;
    parts.table.replaceChildren(...node.values.map(([key, value]) => element(
      "tr", {}, element("td", { text: key }), element("td", { text: value }),
    )));
  }
  const wanted = nodes.length ? nodes.map((node) => partsOf(node.name).whole) : [noNodes];
  const shown = [...$("nodes").children];
  if (wanted.length === shown.length && wanted.every((each, i) => each === shown[i])) return;
  $("nodes").replaceChildren(...wanted);
  for (const [name, { whole }] of known) if (!wanted.includes(whole)) known.delete(name);
}

// Says several times a second whether what is shown is still the present.
function tick() {
  const now = performance.now();
  const stale = lastPicture !== null && now - lastPicture > 1000 * STALE_S;
  $("stage").classList.toggle("stale", stale || (paused && lastPicture !== null));
  $("people").classList.toggle("stale-list", lastState > 0 && now - lastState > 1000 * STALE_S);
  $("empty").hidden = lastPicture !== null && !stale && !paused;
  $("empty").textContent = paused ? "paused" : lastPicture === null ? "waiting for the first picture"
    : `no picture for ${Math.round((now - lastPicture) / 1000)} s`;
  if (isBad && problem) link("lost", "no connection");
  else if (paused) link("waiting", "paused");
  else if (lastPicture === null || stale) link("waiting", "waiting");
  else link("live", "live");
  const rate = times.length > 1 && !stale ? (times.length - 1) / ((times.at(-1) - times[0]) / 1000) : 0;
  const age = ages < MAX_AGE_MS ? ` · ${ages} ms old` : ""; // older: stamps of another clock, as of a bag
  $("rate").textContent = rate ? `${rate.toFixed(1)} pictures/s` : "";
  $("age").textContent = rate ? age : "";
}

function pause() {
  paused = !paused;
  $("pause").textContent = paused ? "Go on" : "Pause";
  $("pause").setAttribute("aria-pressed", String(paused));
  tick();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("stage").requestFullscreen?.();
}

$("pause").addEventListener("click", pause);
$("full").addEventListener("click", fullScreen);
$("full").hidden = !document.fullscreenEnabled;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button, summary")) return;
  if (event.key === " ") { event.preventDefault(); pause(); }
  if (event.key === "f") fullScreen();
});
addEventListener("hashchange", () => location.reload());
setInterval(tick, 250);
tick();
forever(nextPicture);
forever(nextState);
