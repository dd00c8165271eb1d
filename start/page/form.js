// The form, made from the questions of `copier.yml`.

import { byId, make, withCode } from "./dom.js";

const ROOMY = matchMedia("(width > 44rem)");
const LONG = 24;

/** The form of one questionnaire. An empty text takes its default, which it shows. */
export class Form {
  #form;
  #questions;
  #presets;
  #onAnswer;

  /**
   * @param {HTMLFormElement} form The element to fill.
   * @param {object} page The sections, presets and default answers.
   * @param {(name: string, value: string|boolean|null, isTyped: boolean) => void} onAnswer Told
   *   each answer; null takes it back.
   * @param {(preset: object) => void} onPreset Told the chosen preset.
   */
  constructor(form, { sections, presets, preview }, onAnswer, onPreset) {
    this.#form = form;
    this.#onAnswer = onAnswer;
    this.#presets = presets;
    this.#questions = new Map(
      sections.flatMap(({ questions }) => questions.map((each) => [each.name, each])),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    form.append(
      lead(),
      presetsOf(presets, onPreset),
      ...sections.map((each) => this.#section(each, preview.defaults)),
    );
  }

  get questions() {
    return [...this.#questions.values()];
  }

  /** Show answers and messages: the given ones, the defaults of the rest, what applies. */
  show({ given, defaults, asked, errors }) {
    for (const button of this.#form.querySelectorAll(".preset")) {
      const wanted = this.#presets.find(({ name }) => name === button.value).answers;
      const isChosen = Object.keys(wanted).every(
        (name) => (given[name] ?? defaults[name]) === wanted[name],
      );
      button.setAttribute("aria-pressed", String(isChosen));
    }
    for (const question of this.questions) {
      const { name } = question;
      const value = given[name] ?? defaults[name];
      if (question.type === "bool") byId(`answer-${name}`).checked = value === true;
      else if (question.choices.length) this.#choose(name, value);
      else showText(byId(`answer-${name}`), given[name], defaults[name]);
      const field = this.#form.querySelector(`[data-question="${name}"]`);
      field.hidden = !asked.includes(name) && !(name in errors);
      showError(name, field, errors[name] ?? "");
    }
  }

  #choose(name, value) {
    for (const choice of this.#form.elements.namedItem(name))
      choice.checked = choice.value === value;
  }

  #section({ title, questions }, defaults) {
    const id = `section-${title.replaceAll(/\W+/g, "-")}`;
    const fields = make("div.fields", {}, ...questions.map((each) => this.#field(each)));
    for (const name of pairsOf(questions, defaults))
      fields.querySelector(`[data-question="${name}"]`).classList.add("half");
    return make("section.card", { "aria-labelledby": id }, make("h2", { id }, title), fields);
  }

  #field(question) {
    if (question.type === "bool") return this.#block(question);
    return question.choices.length ? this.#choice(question) : this.#text(question);
  }

  #text({ name, ask, more }) {
    const input = make("input", {
      id: `answer-${name}`,
      name,
      spellcheck: "false",
      autocapitalize: "off",
      "aria-describedby": `hint-${name} error-${name}`,
    });
    input.addEventListener("input", () => this.#onAnswer(name, input.value || null, true));
    return make(
      "div.field.text",
      { "data-question": name },
      make("div", {}, make("label", { for: input.id }, ask), hintOf(name, more)),
      input,
      errorOf(name),
    );
  }

  #choice({ name, ask, more, choices, page }) {
    const options = choices.map((choice) => {
      const input = make("input", {
        type: "radio",
        name,
        value: choice,
        id: `answer-${name}-${choice}`,
      });
      input.addEventListener("change", () => this.#onAnswer(name, choice, false));
      return make("label.option", { for: input.id }, input, make("span", {}, choice));
    });
    return make(
      "fieldset.field.choice",
      { "data-question": name, "aria-describedby": `hint-${name} error-${name}` },
      make("legend", {}, ask),
      hintOf(name, more),
      ...aboutOf(page),
      make("div.options", {}, ...options),
      errorOf(name),
    );
  }

  #block({ name, ask, more, page }) {
    const input = make("input", {
      type: "checkbox",
      role: "switch",
      id: `answer-${name}`,
      name,
      "aria-describedby": `hint-${name} error-${name}`,
    });
    input.addEventListener("change", () => this.#onAnswer(name, input.checked, false));
    return make(
      "div.field.block",
      { "data-question": name },
      make("label", { for: input.id }, ask),
      input,
      hintOf(name, more),
      ...aboutOf(page),
      errorOf(name),
    );
  }
}

/** The texts that share a row with another one: short ones, in pairs that follow each other. */
function pairsOf(questions, defaults) {
  const runs = [[]];
  for (const { name, type, choices } of questions) {
    const isShort = type === "str" && !choices.length && defaults[name].length <= LONG;
    if (isShort) runs.at(-1).push(name);
    else runs.push([]);
  }
  return runs.flatMap((run) => run.slice(run.length % 2));
}

function lead() {
  const sentence =
    "Choose its parts, look at every file, take it with you. Nothing you type leaves this browser.";
  return make("header.lead", {}, make("h2", {}, "Start a service"), make("p", {}, sentence));
}

function presetsOf(presets, onPreset) {
  const buttons = presets.map((preset) => {
    const button = make(
      "button.preset",
      { type: "button", value: preset.name },
      make("strong", {}, preset.name),
      make("span", {}, preset.text),
    );
    button.addEventListener("click", () => onPreset(preset));
    return button;
  });
  return make("div.presets", { role: "group", "aria-label": "Presets" }, ...buttons);
}

function hintOf(name, more) {
  return make("p.hint", { id: `hint-${name}` }, ...withCode(more));
}

/** What a block is and where to read on: text where there is room, folded on small screens. */
function aboutOf(page) {
  if (!page) return [];
  const link = make("a", { href: page.href, target: "_blank" }, "How it works");
  const text = make("p", {}, ...withCode(page.text), " ", link);
  const about = make("details.about", {}, make("summary", {}, "What it adds"), text);
  const unfold = () => (about.open = ROOMY.matches);
  ROOMY.addEventListener("change", unfold);
  unfold();
  return [about];
}

function errorOf(name) {
  return make("p.error", { id: `error-${name}`, role: "status" });
}

function showText(input, given, value) {
  if (input !== document.activeElement || (given ?? "") === "") input.value = given ?? "";
  input.placeholder = value || "none";
}

function showError(name, field, message) {
  byId(`error-${name}`).textContent = message;
  field.classList.toggle("invalid", message !== "");
  for (const input of field.querySelectorAll("input")) {
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}
