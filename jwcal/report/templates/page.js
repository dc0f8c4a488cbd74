"use strict";
// Tables: a page at a time, sorted by a click on a heading, narrowed by a word.
for (const box of document.querySelectorAll(".table")) {
  const body = box.querySelector("tbody"), heads = [...box.querySelectorAll("th")];
  const rows = [...body.rows], size = Number(box.dataset.page);
  let kept = rows, page = 0, column = -1, up = true;
  const value = (row, k) => {
    const text = row.cells[k].textContent.trim();
    if (!heads[k].classList.contains("num")) return text;
    return text === "" ? NaN : Number(text.replace("−", "-"));
  };
  const compare = (a, b) => {
    const x = value(a, column), y = value(b, column);
    if (typeof x === "string") return (up ? 1 : -1) * x.localeCompare(y, undefined, { numeric: true });
    return Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : (up ? 1 : -1) * (x - y);
  };
  const tools = document.createElement("div");
  const count = document.createElement("span");
  const show = () => {
    const last = Math.max(0, Math.ceil(kept.length / size) - 1);
    page = Math.min(Math.max(page, 0), last);
    body.replaceChildren(...kept.slice(page * size, (page + 1) * size));
    count.textContent = kept.length ? `${page * size + 1}–${Math.min(kept.length, (page + 1) * size)} of ${kept.length}` : "none";
    back.disabled = page === 0;
    forth.disabled = page === last;
  };
  const make = (text, label, step) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => { page += step; show(); });
    return button;
  };
  const back = make("‹", "Previous page", -1), forth = make("›", "Next page", 1);
  const word = document.createElement("input");
  word.type = "search";
  word.placeholder = "find";
  word.setAttribute("aria-label", "Find rows");
  word.addEventListener("input", () => {
    const sought = word.value.toLowerCase();
    kept = rows.filter((row) => row.textContent.toLowerCase().includes(sought));
    if (column >= 0) kept.sort(compare);
    page = 0;
    show();
  });
  heads.forEach((head, k) => head.addEventListener("click", () => {
    up = column === k ? !up : true;
    column = k;
    kept = [...kept].sort(compare);
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    page = 0;
    show();
  }));
  if (rows.length > size) {
    tools.className = "tools";
    tools.append(word, back, forth, count);
    box.prepend(tools);
  }
  show();
}
// Pictures: a click enlarges them.
const zoom = document.getElementById("zoom");
for (const button of document.querySelectorAll(".picture")) {
  button.addEventListener("click", () => {
    const image = button.querySelector("img");
    zoom.querySelector("img").src = image.src;
    zoom.querySelector("img").alt = image.alt;
    zoom.querySelector("p").textContent = image.alt;
    zoom.showModal();
  });
}
zoom.addEventListener("click", (event) => { if (event.target === zoom) zoom.close(); });
