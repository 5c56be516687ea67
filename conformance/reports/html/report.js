"use strict";
const rows = [...document.querySelectorAll(".requirement")];
const words = document.getElementById("words");
const boxes = [...document.querySelectorAll("input[name=verdict]")];
const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  let shown = 0;
  for (const row of rows) {
    row.hidden = !(verdicts.has(row.dataset.verdict) && wanted.every((word) => texts.get(row).includes(word)));
    shown += !row.hidden;
  }
  for (const area of document.querySelectorAll(".area")) {
    area.hidden = !area.querySelector(".requirement:not([hidden])");
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length} shown`;
}

function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches(".requirement, .script")) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  }
}

async function copy(button) {
  const steps = button.parentElement.querySelector("pre").textContent;
  const { first, script } = button.dataset;
  const text = script ? [first, document.querySelector(`#${script} pre`).textContent, steps, "EOF"].join("\n") : steps;
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 2000);
}

document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
words.addEventListener("input", filter);
boxes.forEach((box) => box.addEventListener("change", filter));
document.getElementById("open-all").addEventListener("click", () => rows.forEach((row) => { row.open = !row.hidden; }));
document.getElementById("close-all").addEventListener("click", () => rows.forEach((row) => { row.open = false; }));
document.addEventListener("click", (event) => event.target.matches(".copy") && copy(event.target));
addEventListener("hashchange", reveal);
filter();
reveal();
