// Choices above the table of requirements: rows that were not chosen are hidden, and their number is said.
"use strict";

(() => {
  const place = document.getElementById("requirement-filter");
  if (!place) return;
  const rows = [...document.querySelectorAll(".requirements tbody tr")];
  const words = (row) => row.cells[1].innerText.split(/\s+/);
  const CHOICES = {
    Level: ["MUST", "SHOULD", "MAY"],
    Profile: ["core", "extended"],
    Basis: ["documented", "deployed", "decided"],
    Binds: ["hub", "client", "provider"],
  };

  const selects = Object.entries(CHOICES).map(([title, values]) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    for (const value of ["", ...values]) select.append(new Option(value || "any", value));
    label.append(title, select);
    place.append(label);
    return select;
  });
  const count = document.createElement("output");
  place.append(count);

  const choose = () => {
    const chosen = selects.map((select) => select.value).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const has = words(row);
      row.hidden = !chosen.every((word) => has.includes(word));
      shown += !row.hidden;
    }
    for (const table of document.querySelectorAll(".requirements")) {
      table.hidden = [...table.querySelectorAll("tbody tr")].every((row) => row.hidden);
    }
    count.textContent = `${shown} of ${rows.length} requirements`;
  };
  place.addEventListener("change", choose);
  choose();
})();
