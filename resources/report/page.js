"use strict";
// Search and filters over the samples; without this script the page shows them all.
const form = document.getElementById("filters");
const cards = [...document.querySelectorAll(".sample")].map((card) => ({ card, text: card.textContent.toLowerCase() }));
const shown = document.getElementById("shown");

function filter() {
  const wanted = form.search.value.trim().toLowerCase();
  let count = 0;
  for (const { card, text } of cards) {
    const fits =
      (!wanted || text.includes(wanted)) &&
      (!form.chapter.value || card.dataset.chapter === form.chapter.value) &&
      (!form.length_.value || card.dataset.length === form.length_.value) &&
      (!form.stop.value || card.dataset.stops.split(" ").includes(form.stop.value)) &&
      (!form.highlighted.checked || "highlighted" in card.dataset);
    card.hidden = !fits;
    count += fits;
  }
  shown.textContent = shown.dataset.pattern.replace("{shown}", count).replace("{total}", cards.length);
  document.getElementById("none").hidden = count > 0;
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
