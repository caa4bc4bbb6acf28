"use strict";
(() => {
  const text = document.getElementById("text"), boxes = [...document.querySelectorAll(".filter input[type=checkbox]")];
  const rows = [...document.querySelectorAll("tr[data-severity]")].map((row) => ({ row, words: row.textContent.toLowerCase() }));
  const apply = () => {
    const wanted = text.value.trim().toLowerCase(), shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const { row, words } of rows) row.hidden = !(shown.has(row.dataset.severity) && words.includes(wanted));
  };
  for (const input of [text, ...boxes]) input.addEventListener("input", apply);
})();
