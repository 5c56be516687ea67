// What the theme's scripts add to a page later lacks for people who listen to it or use no mouse.
"use strict";

function name(root) {
  for (const group of root.querySelectorAll("nav.md-code__nav")) {
    group.setAttribute("role", "none"); // a landmark for each block of code would drown the real ones
  }
  for (const frame of root.querySelectorAll(".md-typeset__scrollwrap")) {
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0; // so that keys can move a wide table too
  }
  for (const button of root.querySelectorAll(".md-version__current[aria-label]")) {
    button.setAttribute("aria-label", `${button.textContent.trim()}: select version`);
  }
}

name(document);
addEventListener("resize", () => name(document));
new MutationObserver(() => name(document)).observe(document.body, { childList: true, subtree: true });
