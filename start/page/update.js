// The second tab: what an update brings to a project, from its answers file.

import { byId, make, withCode } from "./dom.js";
import { newest } from "./engine.js";
import { showDifference } from "./viewer.js";

const LARGEST = 100_000;

/**
 * Fill the tab.
 * @param {HTMLElement} panel The element to fill.
 * @param {object[]} releases The template's releases, newest first.
 * @param {(parameters: object) => Promise<object>} ask Asks for an update.
 * @param {(text: string, sentence: string) => void} copy Copies a text, and announces it.
 * @param {(sentence: string) => void} announce Says a sentence.
 */
export function prepareUpdates(panel, releases, { ask, copy, announce }) {
  const text = make("textarea", {
    id: "update-answers",
    rows: 12,
    spellcheck: "false",
    placeholder: "_commit: v0.4.0\n_src_path: gh:…\nauth: jwt\n…",
    "aria-describedby": "update-hint update-error",
  });
  const file = make("input", { id: "update-file", type: "file", accept: ".yml,.yaml" });
  const options = releases.map(({ version, date }) =>
    make("option", { value: version }, `${version} (${date})`),
  );
  const target = make("select", { id: "update-to" }, ...options);
  const hint = "Drop, choose or paste `.copier-answers.yml`. It stays in this browser.";
  const form = make(
    "form.card",
    { "aria-label": "Project" },
    make("h2", {}, "Your project"),
    make("label", { for: text.id }, "Its answers file"),
    make("p.hint", { id: "update-hint" }, ...withCode(hint)),
    text,
    make("label", { for: file.id }, "Or choose the file"),
    file,
    make("label", { for: target.id }, "Update to"),
    target,
    make("button.primary", { type: "submit", id: "update-show" }, "Show the update"),
    make("p.error", { id: "update-error", role: "alert" }),
  );
  const result = make("section.result", { id: "update-result", "aria-label": "Update" });
  panel.append(form, result);
  showNothing();
  acceptFiles(panel, form, file, text);
  const show = newest(showUpdate);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show({ text: text.value, target: target.value, releases, ask, copy, announce });
  });
}

function acceptFiles(panel, form, file, text) {
  const read = async (chosen) => {
    if (!chosen) return;
    const isPlausible = chosen.size <= LARGEST;
    text.value = isPlausible ? await chosen.text() : "";
    if (isPlausible) form.requestSubmit();
    else refuse([`${chosen.name} is too large for an answers file.`]);
  };
  const mark = (isOver) => panel.classList.toggle("dropping", isOver);
  file.addEventListener("change", () => read(file.files[0]));
  panel.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  panel.addEventListener("dragleave", () => mark(false));
  panel.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    read(event.dataTransfer.files[0]);
  });
}

async function showUpdate({ text, target, releases, ask, copy, announce }) {
  const listed = releases.map(({ version, moved }) => ({ version, moved }));
  byId("update-error").textContent = "";
  byId("update-result").replaceChildren(make("p.empty", {}, "Rendering both releases…"));
  try {
    const found = await ask({ text, target, releases: listed });
    if (found.errors) {
      refuse(Object.entries(found.errors).map(([name, line]) => `${name}: ${line}`));
      return;
    }
    const brought = releases.filter(({ version }) => found.versions.includes(version));
    byId("update-result").replaceChildren(...resultOf(found, brought, copy));
    announce(`The update changes ${countOf(found.files)}.`);
    scrollToTop(byId("update-result"));
  } catch (error) {
    refuse([`This update cannot be shown here: ${error.message}.`]);
  }
}

/** Show where something begins, if that is below the window's middle. */
function scrollToTop(element) {
  if (element.getBoundingClientRect().top > innerHeight / 2) element.scrollIntoView();
}

function showNothing() {
  const sentence = "The update is shown here, line by line, before you run it.";
  byId("update-result").replaceChildren(make("p.empty", {}, sentence));
}

function refuse(lines) {
  showNothing();
  byId("update-error").textContent = lines.join("\n");
}

const countOf = (files) => `${files.length} ${files.length === 1 ? "file" : "files"}`;

function* resultOf({ sections, files, command, foreign }, brought, copy) {
  if (foreign) {
    const sentence = `Its template is \`${foreign}\`, not the one of this page.`;
    yield make("p.notice", {}, ...withCode(sentence));
  }
  if (!files.length) {
    yield make("p.empty", {}, "This update changes no file of the project.");
    return;
  }
  yield commandOf(command, copy);
  const title = make("h2", {}, "In short");
  yield make("section.card.numbers", {}, title, ...Object.entries(sections).map(listOf));
  for (const { version, date, notes } of brought) yield notesOf(version, date, notes);
  yield make("h2", {}, `Changes in ${countOf(files)}`);
  for (const file of files) yield differenceOf(file);
}

function commandOf(command, copy) {
  const button = make("button.plain", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(command, "Command copied."));
  const code = make("code", { tabindex: "0", role: "region", "aria-label": "Command" }, command);
  const title = make("h2", {}, "The command");
  return make("section.card", {}, title, make("div.command", {}, code, button));
}

function listOf([title, lines]) {
  const items = lines.map((line) => make("li", {}, make("code", {}, line)));
  const summary = make("summary", {}, title, " ", make("span.count", {}, String(lines.length)));
  return make("details", { open: lines.length <= 15 }, summary, make("ul", {}, ...items));
}

function notesOf(version, date, notes) {
  const items = notes.map((note) => make("li", {}, ...withCode(note.replaceAll("**", ""))));
  const title = make("h2", {}, `Notes of ${version} (${date})`);
  return make("section.card.notes", {}, title, make("ul", {}, ...items));
}

/** The lines of a file, made when they are unfolded. */
function differenceOf(file) {
  const viewer = make("div.viewer");
  const summary = make(
    "summary",
    {},
    make("code", {}, file.path),
    make("span.note", {}, file.status),
  );
  const details = make(`details.card.change.${file.status}`, {}, summary, viewer);
  details.addEventListener("toggle", () => {
    if (details.open && !viewer.hasChildNodes()) showDifference(viewer, file);
  });
  return details;
}
