// The page: what is chosen, in the address and on the screen.

import { addressOf, givenInAddress, parsed } from "./address.js";
import { byId, make, save } from "./dom.js";
import { Engine, newest } from "./engine.js";
import { Form } from "./form.js";
import { keep } from "./kept.js";
import { fetchUnpacked } from "./packed.js";
import { renamed, Tree } from "./tree.js";
import { prepareUpdates } from "./update.js";
import { showDifference, showFile, showSentence } from "./viewer.js";

const UPDATE = "#update";
const base = new URL(`${document.body.dataset.base}/`, location.href).href;
const first = await (await fetchUnpacked(`${base}first.json`)).json();

const none = {};
const state = {
  ...first.preview,
  given: none,
  shown: none, // the given answers of the project on the screen
  errors: {},
  files: new Map(Object.entries(first.preview.changed)),
  marks: new Map(),
  opened: "README.md",
  isWhatIf: false,
  differences: null,
  refusal: "",
  hasFailed: false,
};

const types = new Map(
  first.sections.flatMap(({ questions }) => questions.map(({ name, type }) => [name, type])),
);
const form = new Form(byId("form"), first, answer, choosePreset);
const tree = new Tree(byId("tree"), open);
let engine = null;
let rendered = Promise.resolve();
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

addEventListener("popstate", followAddress);

function followAddress() {
  const isUpdate = location.hash === UPDATE;
  showTab(isUpdate ? "update" : "new");
  if (isUpdate) return;
  typing = "";
  state.given = givenInAddress(types);
  refresh();
}

// ------------------------------------------------------------------------------------ preview

function refresh() {
  form.show(state);
  if (!isLive()) showProject();
  if (engine) rendered = render(state.given);
}

const isLive = () => Boolean(document.body.dataset.live);
const isValid = () => Object.keys(state.errors).length === 0;
/** Whether the project on the screen is another one, until Python is loaded. */
const isWaiting = () => !isLive() && state.shown !== state.given;

const render = newest(async (given) => {
  try {
    take(given, await engine.ask("preview", { given }));
    showLive();
    if (state.isWhatIf) await compareAnew();
    if (!typing) engine.prepare({ given }); // typed letters have no neighbours
  } catch (error) {
    if (isLive()) complain(error.message);
    else fail(error.message);
  }
});

function take(given, result) {
  state.errors = result.errors ?? {};
  state.shown = given;
  if (!result.errors) {
    takeFiles(result);
    Object.assign(state, result);
    tidyAddress(given, result.differing);
  }
  showUnknown();
  form.show(state);
  showProject();
  performance.mark("answered");
}

function takeFiles({ is_whole, changed, gone, answers }) {
  const before = state.files;
  state.files = new Map([...(is_whole ? [] : before), ...Object.entries(changed)]);
  for (const path of gone) state.files.delete(path);
  if (isEqual(answers, state.answers)) return;
  const move = follow(state.answers.package_name, answers.package_name);
  const moved = [...before].map(([path, text]) => [move(path), text]);
  state.marks = marksOf(new Map(moved), state.files);
}

/** Follow the package's folder to its new name; return how a path changes. */
function follow(before, after) {
  const [from, to] = [`src/${before}`, `src/${after}`];
  if (from !== to) tree.rename(from, to);
  state.opened = renamed(state.opened, from, to);
  return (path) => renamed(path, from, to);
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
  state.shown = differing;
  const address = new URL(addressOf(differing), location.href);
  if (address.hash !== location.hash) history.replaceState(null, "", address);
}

/** If there are errors, name the answers in the address that no field of the form has. */
function showUnknown() {
  const unknown = isValid() ? [] : Object.keys(state.given).filter((name) => !types.has(name));
  const lines = unknown.map((name) => {
    const remove = make("button.plain", { type: "button" }, "Remove");
    remove.addEventListener("click", () => answer(name, null, false));
    const message = state.errors[name] ?? "Not asked here.";
    return make("p", {}, make("code", {}, name), `: ${message} `, remove);
  });
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
  const isUsable = isValid() && !state.hasFailed;
  for (const id of ["copy", "answers", "download"]) byId(id).disabled = !isUsable;
  for (const id of ["preview", "command"])
    byId(id).classList.toggle("stale", !isUsable || isWaiting());
  if (state.isWhatIf) showWhatIf();
  else showFiles();
  byId("summary").textContent = summary();
  byId("jump").textContent = isUsable ? summary() : "Files";
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
  if (state.hasFailed) return "";
  if (!isValid()) return "Correct the answers to see the files.";
  if (isWaiting()) return "Your files are shown when Python is loaded.";
  if (state.isWhatIf && !state.differences) return "";
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

byId("skip").addEventListener("click", () => byId("preview").focus());
byId("jump").addEventListener("click", () => byId("preview").focus());
new IntersectionObserver(([{ isIntersecting }]) => {
  byId("jump").hidden = isIntersecting;
}).observe(byId("preview"));

// ------------------------------------------------------------------------------------ what if

const question = byId("whatif-question");
const value = byId("whatif-value");
const listed = form.questions.filter(({ type, choices }) => type === "bool" || choices.length);
offer(question, listed);
question.value = listed.find(({ type }) => type === "bool")?.name ?? listed[0].name;
question.addEventListener("change", () => compareAnew());
value.addEventListener("change", () => compareAnew());
byId("whatif-take").addEventListener("click", () => {
  setWhatIf(false);
  answer(question.value, parsed(types, question.value, value.value), false);
});
byId("show-files").addEventListener("click", () => setWhatIf(false));
byId("show-difference").addEventListener("click", () => setWhatIf(true));

function setWhatIf(isOn) {
  state.isWhatIf = isOn;
  byId("whatif").hidden = !isOn;
  byId("show-files").setAttribute("aria-pressed", String(!isOn));
  byId("show-difference").setAttribute("aria-pressed", String(isOn));
  showProject();
  if (isOn) compareAnew();
}

async function compareAnew() {
  try {
    await compare();
    showProject();
  } catch (error) {
    complain(error.message);
  }
}

/** Ask what the chosen other answer would change. */
async function compare() {
  if (!isValid()) return;
  offer(
    question,
    listed.filter(({ name }) => state.asked.includes(name)),
  );
  const { name, type, choices } = listed.find((each) => each.name === question.value);
  const values = type === "bool" ? [true, false] : choices;
  offer(
    value,
    values.filter((each) => each !== state.answers[name]).map((each) => ({ name: String(each) })),
  );
  const other = parsed(types, name, value.value);
  const result = await engine.ask("compare", { given: state.given, name, value: other });
  state.differences = result.errors ? [] : result;
  state.refusal = Object.values(result.errors ?? {}).join(" ");
}

/** Fill a list to choose from; keep what is chosen, if it still can be. */
function offer(select, entries) {
  const kept = entries.some(({ name }) => name === select.value) ? select.value : entries[0].name;
  select.replaceChildren(...entries.map(({ name }) => make("option", { value: name }, name)));
  select.value = kept;
}

function showWhatIf() {
  const differences = state.differences ?? [];
  const marks = new Map(differences.map(({ path, status }) => [path, status]));
  const shown = differences.find(({ path }) => path === state.opened) ?? firstOf(differences);
  for (const path of marks.keys()) tree.reveal(path);
  tree.show([...marks.keys()], marks, shown?.path ?? "");
  if (shown) showDifference(byId("viewer"), shown);
  else showSentence(byId("viewer"), whyNothing());
}

function whyNothing() {
  if (!isValid()) return "Correct the answers first.";
  if (!state.differences) return isLive() ? "Comparing…" : "Shown when Python is loaded.";
  return state.refusal || "This answer changes no file.";
}

/** The answers file changes with each answer: rather show another one. */
function firstOf(differences) {
  return differences.find(({ path }) => !path.startsWith(".")) ?? differences[0];
}

// ------------------------------------------------------------------------------------- get it

byId("share").addEventListener("click", () => copy(location.href, "Link copied."));
onClick("copy", () => copy(state.command, "Command copied."));
onClick("answers", () => {
  save(".copier-answers.yml", state.files.get(".copier-answers.yml"), "text/yaml");
  announce("Saved; in a project, its name is .copier-answers.yml."); // browsers drop the first dot
});
onClick("download", download);

/** Do something with the project, once it is that of the newest answers and they are valid. */
function onClick(id, act) {
  const button = byId(id);
  button.addEventListener("click", async () => {
    if (button.ariaBusy) return; // a second click
    button.ariaBusy = "true";
    if (isWaiting()) announce("Waiting for Python to load.");
    await rendered;
    button.ariaBusy = null;
    if (isValid() && !state.hasFailed) await act();
  });
}

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
    complain(error.message);
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

// -------------------------------------------------------------------------------------- start

/** Say that one project, difference or archive cannot be made; the next one may. */
function complain(reason) {
  const sentence = `This did not work: ${reason}. Choose another answer, or reload the page.`;
  showNotice(make("p", {}, sentence));
}

function fail(reason) {
  state.hasFailed = true;
  byId("status").dataset.state = "failed";
  byId("status-text").textContent = "Not available";
  byId("progress").hidden = true;
  for (const id of ["show-difference", "update-show"]) byId(id).disabled = true;
  showProject();
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
  byId("status-text").textContent = "Ready";
  document.body.dataset.live = "true";
  performance.mark("live");
  const showKept = () => (document.body.dataset.kept = "true");
  keep(loaded, showKept, showNewer).catch(() => {}); // the browser may forbid it
}

function showNewer(take) {
  const button = make("button.plain", { type: "button" }, "Load it");
  button.addEventListener("click", take);
  byId("newer").replaceChildren("A newer release of this page is here. ", button);
  byId("newer").hidden = false;
}

function start() {
  byId("late").remove();
  byId("release").textContent = first.origin.commit;
  const isShared = location.hash && location.hash !== UPDATE;
  if (isShared) state.given = givenInAddress(types);
  form.show(state);
  showProject();
  showTab(location.hash === UPDATE ? "update" : "new");
  const ask = (parameters) => engine.ask("update", parameters);
  prepareUpdates(byId("update"), first.releases, { ask, copy, announce });
  requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
  if (typeof WebAssembly !== "object") {
    fail("this browser has no WebAssembly");
    return;
  }
  const { sizes, lock, origin } = first;
  engine = new Engine({ base, sizes, lock, origin }, showProgress, showLoaded);
  refresh();
}

start();
