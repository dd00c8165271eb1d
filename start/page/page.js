// The page: what is chosen, in the address and on the screen.

import { byId, make, save } from "./dom.js";
import { Engine, newest } from "./engine.js";
import { Form } from "./form.js";
import { fetchUnpacked } from "./packed.js";
import { Tree } from "./tree.js";
import { prepareUpdates } from "./update.js";
import { showDifference, showFile, showSentence } from "./viewer.js";

const UPDATE = "#update";
const base = new URL(`${document.body.dataset.base}/`, location.href).href;
const first = await (await fetchUnpacked(`${base}first.json`)).json();

const state = {
  ...first.preview,
  given: {},
  errors: {},
  files: new Map(Object.entries(first.preview.changed)),
  marks: new Map(),
  opened: "README.md",
  isWhatIf: false,
  differences: [],
};

const types = new Map(
  first.sections.flatMap(({ questions }) => questions.map(({ name, type }) => [name, type])),
);
const form = new Form(byId("form"), first, answer, choosePreset);
const tree = new Tree(byId("tree"), open);
let engine = null;
let typing = "";

// ------------------------------------------------------------------------------------ answers

/** Take an answer; one that is typed replaces the address, so that each word is not a step back. */
function answer(name, value, isTyped) {
  const given = { ...state.given };
  if (value === null || value === state.defaults[name]) delete given[name];
  else given[name] = value;
  const isSameStep = isTyped && typing === name;
  typing = isTyped ? name : "";
  choose(given, isSameStep);
}

function choosePreset({ name, answers }) {
  const given = { ...state.given, ...answers };
  const differing = Object.entries(given).filter(([each, value]) => value !== state.defaults[each]);
  typing = "";
  choose(Object.fromEntries(differing));
  announce(`${name} chosen.`);
}

function choose(given, isSameStep = false) {
  state.given = given;
  history[isSameStep ? "replaceState" : "pushState"](null, "", addressOf(given));
  refresh();
}

function addressOf(given) {
  const query = new URLSearchParams(
    Object.entries(given).map(([name, value]) => [name, String(value)]),
  );
  return Object.keys(given).length ? `#${query}` : location.pathname + location.search;
}

function givenInAddress() {
  const listed = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...listed].map(([name, text]) => [name, parsed(name, text)]));
}

function parsed(name, text) {
  return types.get(name) === "bool" && /^(true|false)$/.test(text) ? text === "true" : text;
}

addEventListener("popstate", followAddress);

function followAddress() {
  const isUpdate = location.hash === UPDATE;
  showTab(isUpdate ? "update" : "new");
  if (isUpdate) return;
  typing = "";
  state.given = givenInAddress();
  refresh();
}

// ------------------------------------------------------------------------------------ preview

function refresh() {
  form.show(state);
  if (engine) render(state.given);
}

const render = newest(async (given) => {
  try {
    take(given, await engine.ask("preview", { given }));
    showLive();
    if (state.isWhatIf) await compare();
    if (!typing) engine.prepare({ given }); // typed letters have no neighbours
  } catch (error) {
    fail(error.message);
  }
});

function take(given, result) {
  state.errors = result.errors ?? {};
  if (!result.errors) {
    const before = state.files;
    state.files = new Map([...before, ...Object.entries(result.changed)]);
    for (const path of result.gone) state.files.delete(path);
    if (!isEqual(result.answers, state.answers)) state.marks = marksOf(before, state.files);
    Object.assign(state, result);
    tidyAddress(given, result.differing);
  }
  showUnknown();
  form.show(state);
  showProject();
  performance.mark("answered");
}

const isEqual = (left, right) => JSON.stringify(left) === JSON.stringify(right);

function marksOf(before, after) {
  const marks = new Map();
  for (const [path, text] of after) {
    if (!before.has(path)) marks.set(path, "added");
    else if (before.get(path) !== text) marks.set(path, "changed");
  }
  for (const path of before.keys()) if (!after.has(path)) marks.set(path, "removed");
  return marks;
}

/** Leave what equals the defaults out of the address. */
function tidyAddress(given, differing) {
  if (state.given !== given || location.hash === UPDATE) return;
  state.given = differing;
  const address = addressOf(differing);
  if (!isEqual(given, differing)) history.replaceState(null, "", address);
}

function showUnknown() {
  const unknown = Object.entries(state.errors).filter(([name]) => !types.has(name));
  const lines = unknown.map(([name, message]) =>
    make("p", {}, make("code", {}, name), `: ${message}`),
  );
  showNotice(...lines);
}

function showNotice(...lines) {
  byId("notice").replaceChildren(...lines);
  byId("notice").hidden = lines.length === 0;
}

// ------------------------------------------------------------------------------------ project

function showProject() {
  byId("command").textContent = state.command;
  byId("download").replaceChildren("Download", make("span.wide", {}, ` ${state.folder}.zip`));
  const isValid = Object.keys(state.errors).length === 0;
  for (const id of ["copy", "answers", "download"]) byId(id).disabled = !isValid;
  byId("preview").classList.toggle("stale", !isValid);
  if (state.isWhatIf) showWhatIf();
  else showFiles();
  byId("summary").textContent = isValid ? summary() : "Correct the answers to see the files.";
}

function showFiles() {
  const removed = [...state.marks.keys()].filter((path) => !state.files.has(path));
  tree.show([...state.files.keys(), ...removed], state.marks, state.opened);
  showOpened();
}

function showOpened() {
  const viewer = byId("viewer");
  const text = state.files.get(state.opened);
  if (text === undefined) showSentence(viewer, `${state.opened} is not in this project.`);
  else showFile(viewer, state.opened, text);
}

function summary() {
  if (state.isWhatIf)
    return countsOf(state.differences.map(({ status }) => status)) || "No difference";
  const counts = countsOf([...state.marks.values()]);
  return `${state.files.size} files${counts ? `: ${counts}` : ""}`;
}

function countsOf(statuses) {
  const counted = ["added", "changed", "removed"].map((kind) => [
    kind,
    statuses.filter((each) => each === kind).length,
  ]);
  return counted
    .filter(([, count]) => count)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
}

function open(path) {
  state.opened = path;
  showProject();
  byId("viewer").scrollIntoView({ block: "nearest" });
}

// ------------------------------------------------------------------------------------ what if

const question = byId("whatif-question");
const value = byId("whatif-value");
const listed = form.questions.filter(({ type, choices }) => type === "bool" || choices.length);
question.append(...listed.map(({ name }) => make("option", { value: name }, name)));
question.value = listed.find(({ type }) => type === "bool")?.name ?? listed[0].name;
question.addEventListener("change", () => compareAnew());
value.addEventListener("change", () => compareAnew());
byId("whatif-take").addEventListener("click", () => {
  setWhatIf(false);
  answer(question.value, parsed(question.value, value.value), false);
});
byId("show-files").addEventListener("click", () => setWhatIf(false));
byId("show-difference").addEventListener("click", () => setWhatIf(true));

function setWhatIf(isOn) {
  state.isWhatIf = isOn;
  byId("whatif").hidden = !isOn;
  byId("show-files").setAttribute("aria-pressed", String(!isOn));
  byId("show-difference").setAttribute("aria-pressed", String(isOn));
  if (isOn) compareAnew();
  else showProject();
}

async function compareAnew() {
  await compare();
  showProject();
}

/** Ask what the chosen other answer would change. */
async function compare() {
  const { name, type, choices } = listed.find((each) => each.name === question.value);
  const others = (type === "bool" ? [true, false] : choices).filter(
    (each) => each !== state.answers[name],
  );
  const kept = others.map(String).includes(value.value) ? value.value : String(others[0]);
  value.replaceChildren(
    ...others.map((each) => make("option", { value: String(each) }, String(each))),
  );
  value.value = kept;
  const result = await engine.ask("compare", {
    given: state.given,
    name,
    value: parsed(name, kept),
  });
  state.differences = result.errors ? [] : result;
  showNotice(...Object.values(result.errors ?? {}).map((message) => make("p", {}, message)));
}

function showWhatIf() {
  const marks = new Map(state.differences.map(({ path, status }) => [path, status]));
  const shown =
    state.differences.find(({ path }) => path === state.opened) ?? firstOf(state.differences);
  for (const path of marks.keys()) tree.reveal(path);
  tree.show([...marks.keys()], marks, shown?.path ?? "");
  if (shown) showDifference(byId("viewer"), shown);
  else showSentence(byId("viewer"), "This answer changes no file.");
}

/** The answers file changes with each answer: rather show another one. */
function firstOf(differences) {
  return differences.find(({ path }) => !path.startsWith(".")) ?? differences[0];
}

// ------------------------------------------------------------------------------------- get it

byId("copy").addEventListener("click", () => copy(state.command, "Command copied."));
byId("share").addEventListener("click", () => copy(location.href, "Link copied."));
byId("answers").addEventListener("click", () =>
  save(".copier-answers.yml", state.files.get(".copier-answers.yml"), "text/yaml"),
);
byId("download").addEventListener("click", download);

async function copy(text, sentence) {
  try {
    await navigator.clipboard.writeText(text);
    announce(sentence);
  } catch {
    announce("Your browser does not let this page copy: select the text instead.");
  }
}

async function download() {
  announce("Packing the project.");
  try {
    save(
      `${state.folder}.zip`,
      await engine.ask("archive", { given: state.given }),
      "application/zip",
    );
    performance.mark("packed");
    announce(`${state.folder}.zip is ready.`);
  } catch (error) {
    fail(error.message);
  }
}

let fading = 0;

function announce(sentence) {
  byId("announcement").textContent = sentence;
  byId("announcement").classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => byId("announcement").classList.remove("shown"), 3000);
}

// --------------------------------------------------------------------------------------- tabs

const tabs = ["new", "update"];

for (const [index, name] of tabs.entries()) {
  const tab = byId(`tab-${name}`);
  tab.addEventListener("click", () => goTo(name));
  tab.addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = tabs[(index + 1) % tabs.length];
    goTo(other);
    byId(`tab-${other}`).focus();
  });
}

function goTo(name) {
  history.pushState(null, "", name === "update" ? UPDATE : addressOf(state.given));
  showTab(name);
}

function showTab(shown) {
  for (const name of tabs) {
    byId(name).hidden = name !== shown;
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === shown));
    byId(`tab-${name}`).tabIndex = name === shown ? 0 : -1;
  }
  byId("skip").hidden = shown !== "new";
}

byId("skip").addEventListener("click", () => byId("preview").focus());

// -------------------------------------------------------------------------------------- start

function fail(reason) {
  byId("status").dataset.state = "failed";
  byId("status-text").textContent = "Not available";
  byId("progress").hidden = true;
  showNotice(
    make("p", {}, `The page cannot render projects here: ${reason}. Instead, run`),
    make("pre", {}, make("code", {}, first.preview.command)),
    make("p", {}, "in a terminal, which asks the same questions if you leave --defaults out."),
  );
}

function showProgress(share) {
  byId("progress").value = share;
}

let loaded = [];

function showLoaded(failure, urls) {
  if (failure) {
    fail(failure);
    return;
  }
  loaded = urls;
  byId("status-text").textContent = "Rendering";
  byId("progress").hidden = true;
}

function showLive() {
  if (document.body.dataset.live) return;
  byId("status").dataset.state = "live";
  byId("status-text").textContent = "Live";
  document.body.dataset.live = "true";
  performance.mark("live");
  keep();
}

/** Let a service worker keep what was loaded without it, for the next visit. */
async function keep() {
  const worker = navigator.serviceWorker;
  if (!worker) return; // without it, the page works and loads everything at each visit
  worker.addEventListener("message", () => (document.body.dataset.kept = "true"));
  worker.startMessages();
  await worker.register("sw.js");
  const { active } = await worker.ready;
  const own = performance.getEntriesByType("resource").map(({ name }) => name);
  const urls = new Set([location.href.split("#")[0], ...own, ...loaded]);
  const here = new URL(".", location.href).href;
  const kept = [...urls].filter((url) => url.startsWith(here));
  active.postMessage({ base: document.body.dataset.base, urls: kept });
}

function start() {
  byId("release").textContent = first.origin.commit;
  state.given = location.hash === UPDATE ? {} : givenInAddress();
  form.show(state);
  showProject();
  showTab(location.hash === UPDATE ? "update" : "new");
  requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
  if (typeof WebAssembly !== "object") {
    fail("this browser has no WebAssembly");
    return;
  }
  const { sizes, lock, origin } = first;
  engine = new Engine({ base, sizes, lock, origin }, showProgress, showLoaded);
  prepareUpdates(byId("update"), first, engine);
  refresh();
}

start();
