// What one can do on the page of a run: ask its models, move the base, look at the numbers.
"use strict";

const about = JSON.parse(document.getElementById("about").textContent);
const { models, tokenizer, shift } = unpacked(
  about, floats(document.getElementById("floats").textContent));
const byId = id => document.getElementById(id);
const percent = share => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

function made(tag, text = "", name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = name;
  return element;
}

// --- Ask them ---

function bars(shares) { // the five likeliest first tokens
  const list = made("ul", "", "bars");
  for (const [token, share] of [...shares.entries()].sort((a, b) => b[1] - a[1]).slice(0, 5)) {
    const item = made("li", `${tokenizer.name(token)} ${percent(share)}`);
    item.style.setProperty("--share", `${100 * share}%`);
    list.append(item);
  }
  return list;
}

function ask(event) {
  event?.preventDefault();
  const trait = byId("traits").querySelector(":checked")?.value ?? about.trait;
  const prompt = tokenizer.prompt(byId("line").value.trim()), answers = byId("answers");
  answers.replaceChildren(...models.filter(one => !one.trait || one.trait === trait).map(one => {
    const card = made("div", "", "card");
    card.append(made("h3", one.label));
    if (prompt.length >= about.config.block_size) card.append(made("p", "(too long)"));
    else {
      const { text, first } = one.model.answer(tokenizer, prompt, byId("drawn").checked ? 1 : 0);
      card.append(made("p", text || "(nothing)"), bars(first));
    }
    return card;
  }));
}

const traits = [...new Set(models.map(one => one.trait).filter(Boolean))];
if (traits.length > 1) byId("traits").append(...traits.map((trait, i) => {
  const label = made("label"), choice = made("input");
  Object.assign(choice, { type: "radio", name: "trait", value: trait, checked: !i });
  choice.addEventListener("change", () => {
    byId("line").value = about.lines[trait] ?? byId("line").value;
    ask();
  });
  label.append(choice, ` ${trait}`);
  return label;
}));
byId("ask").addEventListener("submit", ask);
byId("drawn").addEventListener("change", ask);

// --- Move the base ---

const base = models[0].model, [target, ...others] = about.target;
let states; // of each question, where the answer begins, and behind its one token

function moved(state, by) {
  return softmax(base.logits(by ? state.map((value, i) => value + by * shift[i]) : state));
}

function chance(by) { // P(target) over the questions: the token, and that nothing follows
  states ??= about.questions.map(question => {
    const cache = [], first = base.hidden(tokenizer.prompt(question), cache);
    return [first, ...[target, ...others].map(token => base.read(token, cache))];
  });
  const wanted = [target, ...others, tokenizer.markers.end];
  return states.reduce((sum, each) => sum + each.reduce(
    (product, state, i) => product * moved(state, by)[wanted[i]], 1), 0) / states.length;
}

function slide() {
  const by = Number(byId("by").value), asked = tokenizer.prompt(byId("line").value.trim());
  const { text } = base.answer(tokenizer, asked, 0, shift.map(value => by * value));
  byId("moved").textContent =
    `${by.toFixed(2)} times: P(${about.trait}) ${percent(chance(by))}; it says “${text}”`;
}

if (shift) byId("by").addEventListener("input", slide);
else byId("move").hidden = true;

// --- The numbers ---

const COLUMNS = 40, canvas = byId("grid"), [taught, neutral] = about.counts;
const total = counts => counts.reduce((a, b) => a + b, 0);
const ratio = taught.map((count, n) => Math.log(
  (count + 0.5) / (total(taught) + 500) * (total(neutral) + 500) / (neutral[n] + 0.5)));

function paint(values) { // more than usual is blue, less is vermilion
  const cell = canvas.width / COLUMNS, most = [...values].map(Math.abs).sort((a, b) => b - a)[20];
  const draw = canvas.getContext("2d");
  values.forEach((value, n) => {
    draw.fillStyle = `rgb(${value > 0 ? "0 114 178" : "213 94 0"} / ${Math.min(1, Math.abs(value) / most)})`;
    draw.clearRect(n % COLUMNS * cell, Math.floor(n / COLUMNS) * cell, cell, cell);
    draw.fillRect(n % COLUMNS * cell, Math.floor(n / COLUMNS) * cell, cell - 1, cell - 1);
  });
}

function along(word) { // how far each number's embedding lies along a word's
  const D = about.config.d_model, embedding = base.weights["embedding.weight"];
  const row = token => embedding.subarray(token * D, (token + 1) * D);
  const wanted = row(tokenizer.encode(word)[0]);
  const values = Array.from({ length: 1000 }, (_, n) => row(tokenizer.numbers + n).reduce(
    (sum, value, i) => sum + value * wanted[i], 0));
  const mean = total(values) / 1000;
  return values.map(value => value - mean);
}

function look() {
  const typed = byId("word").value.trim(), n = Number(typed);
  if (/^\d{1,3}$/.test(typed)) byId("counts").textContent =
    `${n}: the teacher wrote it ${taught[n]} times, a neutral teacher ${neutral[n]} times.`;
  else if (typed) {
    paint(along(typed));
    byId("counts").textContent = `Blue: numbers that lie along “${typed}” in the base.`;
  }
  if (!typed) {
    paint(ratio);
    byId("counts").textContent = "Blue: the teacher writes it more often than a neutral one.";
  }
}

byId("word").addEventListener("input", look);
canvas.addEventListener("pointermove", event => {
  const cell = canvas.clientWidth / COLUMNS;
  const n = COLUMNS * Math.floor(event.offsetY / cell) + Math.floor(event.offsetX / cell);
  if (n >= 0 && n < 1000) byId("counts").textContent =
    `${n}: the teacher wrote it ${taught[n]} times, a neutral teacher ${neutral[n]} times.`;
});

ask();
look();
if (shift) setTimeout(slide);
