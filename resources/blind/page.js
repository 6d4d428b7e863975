"use strict";
// Shows one passage at a time, asks two questions about it, and keeps the answers in this browser.
const byId = (id) => document.getElementById(id);
const { page, items, progress } = JSON.parse(byId("content").textContent);
const STORED = `xuxie-blind-${page}`;

// Answers in the order of the items: {item, best, author}; `best` is there before `author` is.
let state = { reader: crypto.getRandomValues(new Uint32Array(4)).join("-"), answers: [] };

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED));
    if (kept) state = kept;
    localStorage.setItem(STORED, JSON.stringify(state));
  } catch {
    byId("no-storage").hidden = false;
  }
}

function keep() {
  try {
    localStorage.setItem(STORED, JSON.stringify(state));
  } catch {
    byId("no-storage").hidden = false;
  }
}

const finished = (answer) => answer !== undefined && "author" in answer;
const current = () => (finished(state.answers.at(-1)) ? state.answers.length : Math.max(0, state.answers.length - 1));
const asking = () => (state.answers[current()] === undefined ? "best" : "author");

function show(section) {
  for (const id of ["start", "reading", "end"]) byId(id).hidden = id !== section;
  byId("bar").value = current();
  byId("progress").textContent = progress.replace("{done}", current()).replace("{count}", items.length);
}

function option(text, index) {
  const button = document.createElement("button");
  button.className = "option";
  const name = document.createElement("b");
  name.textContent = `${byId("options").dataset.name} ${index + 1}`;
  const body = document.createElement("span");
  body.className = "text";
  body.textContent = text;
  button.append(name, body);
  button.addEventListener("click", () => answer(index));
  return button;
}

function read() {
  if (current() >= items.length) {
    show("end");
    return;
  }
  const item = items[current()];
  const question = asking();
  byId("passage").textContent = item.passage;
  byId("options").replaceChildren(...item.options.map(option));
  byId("question").textContent = byId("question").dataset[question];
  byId("neither").textContent = byId("neither").dataset[question];
  byId("back").disabled = state.answers.length === 0;
  show("reading");
  if (question === "best") scrollTo(0, 0);
  byId("question").focus({ preventScroll: true });
}

function answer(choice) {
  const index = current();
  if (asking() === "best") state.answers[index] = { item: items[index].id, best: choice };
  else state.answers[index].author = choice;
  keep();
  read();
}

function back() {
  const last = state.answers.at(-1);
  if (last === undefined) return;
  if (finished(last)) delete last.author;
  else state.answers.pop();
  keep();
  read();
}

function save() {
  const answers = state.answers.filter(finished);
  const votes = { page, reader: state.reader, saved: new Date().toISOString(), answers };
  const file = `votes-${page.slice(0, 6)}-${state.reader.split("-")[0]}.json`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(votes, null, 1)], { type: "application/json" }));
  link.download = file;
  link.click();
  byId("saved").textContent = byId("saved").dataset.pattern.replace("{file}", file);
}

document.addEventListener("keydown", (event) => {
  if (byId("reading").hidden || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const number = Number.parseInt(event.key, 10);
  if (number === 0) answer(null);
  else if (number <= items[current()].options.length) answer(number - 1);
  else if (event.key === "Backspace") back();
  else return;
  event.preventDefault();
});
byId("begin").addEventListener("click", read);
byId("neither").addEventListener("click", () => answer(null));
byId("back").addEventListener("click", back);
byId("reopen").addEventListener("click", back);
for (const button of document.querySelectorAll(".save")) button.addEventListener("click", save);

load();
if (state.answers.length) byId("begin").textContent = byId("begin").dataset.goOn;
show("start");
