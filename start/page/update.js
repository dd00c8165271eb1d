// The second tab: what an update brings to a project, from its answers file.

import { byId, make, withCode } from "./dom.js";
import { showDifference } from "./viewer.js";

/** Fill the tab. */
export function prepareUpdates(panel, { releases }, engine) {
  const text = make("textarea", {
    id: "update-answers",
    rows: 12,
    spellcheck: "false",
    placeholder: "_commit: v0.4.0\n_src_path: gh:…\nauth: jwt\n…",
    "aria-describedby": "update-hint",
  });
  const file = make("input", { id: "update-file", type: "file", accept: ".yml,.yaml" });
  const options = releases.map(({ version, date }) =>
    make("option", { value: version }, `${version} (${date})`),
  );
  const target = make("select", { id: "update-to" }, ...options);
  const show = make("button.primary", { type: "submit" }, "Show the update");
  const form = make(
    "form.card",
    { "aria-label": "Project" },
    make("h2", {}, "Your project"),
    make("label", { for: text.id }, "Its answers file"),
    make(
      "p.hint",
      { id: "update-hint" },
      ...withCode("Drop, choose or paste `.copier-answers.yml`. It stays in this browser."),
    ),
    text,
    make("label", { for: file.id }, "Or choose the file"),
    file,
    make("label", { for: target.id }, "Update to"),
    target,
    show,
    make("p.error", { id: "update-error", role: "alert" }),
  );
  const result = make("section.result", {
    id: "update-result",
    "aria-label": "Update",
    "aria-live": "polite",
  });
  panel.append(form, result);
  acceptFiles(form, file, text);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    showUpdate({ text: text.value, to: target.value, releases, engine });
  });
}

function acceptFiles(form, file, text) {
  const read = async (chosen) => {
    if (!chosen) return;
    text.value = await chosen.text();
    form.requestSubmit();
  };
  file.addEventListener("change", () => read(file.files[0]));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });
}

async function showUpdate({ text, to, releases, engine }) {
  const between = releasesBetween(text, to, releases);
  const moved = Object.assign({}, ...between.map((entry) => entry.moved));
  const version = to === releases[0].version ? "" : to;
  byId("update-error").textContent = "";
  byId("update-result").replaceChildren(make("p.empty", {}, "Rendering both releases…"));
  try {
    const found = await engine.ask("update", { text, version, moved });
    if (found.errors)
      refuse(Object.entries(found.errors).map(([name, line]) => `${name}: ${line}`));
    else byId("update-result").replaceChildren(...resultOf(found, between, version));
  } catch (error) {
    refuse([`This update cannot be shown here: ${error.message}.`]);
  }
}

function refuse(lines) {
  byId("update-result").replaceChildren();
  byId("update-error").textContent = lines.join("\n");
}

/** The releases after the project's own, up to the chosen one. */
function releasesBetween(text, to, releases) {
  const own = /^_commit: ['"]?v?([\d.]+)['"]?$/m.exec(text)?.[1];
  const versions = releases.map(({ version }) => version);
  const end = versions.includes(own) ? versions.indexOf(own) : releases.length;
  return releases.slice(versions.indexOf(to), end);
}

function* resultOf({ sections, files }, between, version) {
  const command = `uvx copier update --defaults${version ? ` --vcs-ref v${version}` : ""}`;
  if (!files.length) {
    yield make("p.empty", {}, "This update changes no file of the project.");
    return;
  }
  yield make(
    "section.card",
    {},
    make("h2", {}, "The command"),
    make("pre", { tabindex: "0" }, make("code", {}, command)),
  );
  yield make(
    "section.card.numbers",
    {},
    make("h2", {}, "In short"),
    ...Object.entries(sections).map(listOf),
  );
  for (const { version: name, date, notes } of between) yield notesOf(name, date, notes);
  yield make("h2", {}, `Files: ${files.length}`);
  for (const file of files) yield differenceOf(file);
}

function listOf([title, lines]) {
  const items = lines.map((line) => make("li", {}, make("code", {}, line)));
  return make(
    "details",
    { open: lines.length <= 15 },
    make("summary", {}, `${title}: ${lines.length}`),
    make("ul", {}, ...items),
  );
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
