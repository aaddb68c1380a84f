"use strict";
(function () {
  var body = document.getElementById("list").tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var text = rows.map(function (row) { return row.textContent.toLowerCase(); });
  var q = document.getElementById("q"), state = document.getElementById("state"), found = document.getElementById("found");
  function filter() {
    var words = q.value.toLowerCase().split(/\s+/), shown = 0;
    rows.forEach(function (row, i) {
      var here = (!state.value || row.dataset.state === state.value) && words.every(function (w) { return text[i].indexOf(w) >= 0; });
      row.hidden = !here;
      if (here) shown++;
    });
    found.textContent = shown === rows.length ? "All " + rows.length + " accounts" : shown + " of " + rows.length + " accounts";
  }
  var form = document.getElementById("filter");
  form.addEventListener("submit", function (e) { e.preventDefault(); });
  q.addEventListener("input", filter);
  state.addEventListener("change", filter);
  form.hidden = false;
  filter();
  var order = ["error", "disconnected", "own", "missing", "connected"];
  function key(row, column) {
    return column === 0 ? String(order.indexOf(row.dataset.state)) : row.cells[column].textContent.toLowerCase();
  }
  var heads = Array.prototype.slice.call(document.querySelectorAll("#list thead th"));
  heads.forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var keyed = rows.map(function (row, i) { return [key(row, column), i, row]; });
      keyed.sort(function (a, b) { return (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (down ? -1 : 1) || a[1] - b[1]; });
      keyed.forEach(function (k) { body.appendChild(k[2]); });
    });
  });
})();
