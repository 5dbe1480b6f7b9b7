/** The script of the page, which runs in a browser: it reads the data in the page, and asks nothing of anybody. */
export const SCRIPT = String.raw`"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const [search, grouping, only, order, list, count, more, head] = [
    "search", "grouping", "only", "order", "list", "count", "more", "head",
  ].map(byId);
  /* How many rows are drawn at first, and with each look further down: more than a screen holds. */
  const STEP = 100;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  /* One row for each person on a mailbox, and one for a mailbox that nobody is on. */
  const rows = data.mailboxes.flatMap((mailbox) => {
    const own = mailbox.access.map((access) => ({ mailbox, access, findings: access.findings }));
    return own.length > 0 ? own : [{ mailbox, access: undefined, findings: [] }];
  });
  for (const row of rows) {
    const { mailbox, access } = row;
    const codes = [...mailbox.findings, ...row.findings];
    row.codes = new Set(codes.map(({ code }) => code));
    row.text = [
      mailbox.address, mailbox.displayName, mailbox.declaredBy.join(" "),
      access ? [access.person, access.displayName, access.kind, access.rights, access.declared, access.until].join(" ") : "",
      ...codes.map(({ code, text }) => code + " " + text),
    ].join(" ").toLowerCase();
  }

  let sorting = { column: "name", isDown: false };
  let groups = [];
  let compare;
  let shown = 0;
  const byPerson = () => grouping.value === "person";
  const COLUMNS = {
    name: (row) => (byPerson() ? row.mailbox.address : row.access ? row.access.person : ""),
    rights: (row) => (row.access ? row.access.rights : ""),
    declared: (row) => (row.access ? row.access.declared : ""),
    until: (row) => (row.access && row.access.until) || "\uffff",
    findings: (row) => String(1000 - row.findings.length),
  };

  const compute = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const code = only.value;
    const fits = rows.filter((row) =>
      words.every((word) => row.text.includes(word)) &&
      (code === "" || (code === "any" ? row.codes.size > 0 : row.codes.has(code))));
    const found = new Map();
    for (const row of fits) {
      if (byPerson() && !row.access) continue;
      const key = byPerson() ? row.access.id || row.access.person : row.mailbox.id;
      const group = found.get(key) || { key, rows: [], row };
      group.rows.push(row);
      found.set(key, group);
    }
    const name = ({ row }) => (byPerson() ? row.access.person : row.mailbox.address);
    const weight = {
      name: () => 0,
      most: (group) => -group.rows.filter(({ access }) => access).length,
      findings: (group) => -new Set([
        ...(byPerson() ? [] : group.row.mailbox.findings.map(({ text }) => text)),
        ...group.rows.flatMap(({ access, findings, mailbox }) => findings.map(({ code }) => (access ? access.person : "") + mailbox.id + code)),
      ]).size,
    }[order.value];
    compare = (a, b) => (sorting.isDown ? -1 : 1) * collator.compare(COLUMNS[sorting.column](a), COLUMNS[sorting.column](b));
    groups = [...found.values()].map((group) => ({ group, weight: weight(group), name: name(group) }))
      .sort((a, b) => a.weight - b.weight || collator.compare(a.name, b.name))
      .map(({ group }) => group);
    const people = new Set(fits.flatMap(({ access }) => (access ? [access.id || access.person] : []))).size;
    const mailboxes = new Set(fits.map(({ mailbox }) => mailbox.id)).size;
    count.textContent = fits.length === 0
      ? "Nothing fits."
      : mailboxes + (mailboxes === 1 ? " mailbox, " : " mailboxes, ") + people + (people === 1 ? " person or group." : " people and groups.");
  };

  const finding = ({ code, text }) => {
    const item = make("li", text, "finding");
    item.title = data.codes[code] || code;
    return item;
  };
  const findings = (some) => {
    const items = make("ul");
    items.append(...some.map(finding));
    return items;
  };
  const cell = (label, content, className) => {
    const one = make("td", typeof content === "string" ? content : undefined, className);
    if (typeof content !== "string") one.append(content);
    one.dataset.label = label;
    return one;
  };
  const title = (address, name, extra) => {
    const parts = [make("span", address, "address")];
    if (name && name !== address) parts.push(" ", make("span", name, "name"));
    if (extra) parts.push(" ", make("span", extra, "kind"));
    return parts;
  };
  const draw = (group) => {
    const { mailbox, access } = group.row;
    const body = make("tbody");
    const heading = make("tr", undefined, "group");
    const cells = make("th");
    cells.scope = "rowgroup";
    cells.colSpan = head.children.length;
    cells.append(...(byPerson()
      ? title(access.person, access.displayName, access.kind === "person" ? "" : access.kind)
      : title(mailbox.address, mailbox.displayName)));
    if (!byPerson() && data.stacks.length > 0) cells.append(make("span", " declared by " + (mailbox.declaredBy.join(" and ") || "nobody"), "declared"));
    if (!byPerson() && mailbox.findings.length > 0) cells.append(findings(mailbox.findings));
    heading.append(cells);
    body.append(heading);
    for (const row of group.rows.sort(compare)) {
      const line = make("tr");
      const first = make("th");
      first.scope = "row";
      if (row.access) {
        first.append(...(byPerson()
          ? title(row.mailbox.address, row.mailbox.displayName)
          : title(row.access.person, row.access.displayName, row.access.kind === "person" ? "" : row.access.kind)));
        line.append(
          first,
          cell("Rights", row.access.rights),
          ...(data.stacks.length > 0 ? [cell("Declared by", row.access.declared)] : []),
          cell("Until", row.access.until || "", "day"),
          cell("Findings", findings(row.findings)),
        );
      } else {
        first.colSpan = head.children.length;
        first.append(make("span", "Nobody", "name"));
        line.append(first);
      }
      body.append(line);
    }
    return body;
  };

  const show = (rows) => {
    const next = [];
    for (let drawn = 0; drawn < rows && shown < groups.length; shown += 1) {
      next.push(draw(groups[shown]));
      drawn += groups[shown].rows.length;
    }
    list.append(...next);
    more.hidden = shown >= groups.length;
    more.textContent = "Show more (" + (groups.length - shown) + " left)";
  };
  const clear = () => {
    for (const body of [...list.tBodies]) body.remove();
    shown = 0;
  };
  const render = () => {
    compute();
    clear();
    head.firstElementChild.querySelector("button").textContent = byPerson() ? "Mailbox" : "Person or group";
    for (const column of head.children) {
      const isSorted = column.dataset.column === sorting.column;
      column.setAttribute("aria-sort", !isSorted ? "none" : sorting.isDown ? "descending" : "ascending");
    }
    show(STEP);
  };
  /* What is typed quickly is looked for once. */
  let waiting = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(render);
  });
  for (const control of [grouping, only, order]) control.addEventListener("change", render);
  head.addEventListener("click", (event) => {
    const column = event.target.closest("th");
    if (!column) return;
    const name = column.dataset.column;
    sorting = { column: name, isDown: sorting.column === name && !sorting.isDown };
    render();
  });
  more.addEventListener("click", () => {
    const first = shown;
    show(STEP);
    /* Whoever uses the keyboard goes on with what is new. */
    const heading = list.tBodies[first] && list.tBodies[first].querySelector("th");
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
  });
  new IntersectionObserver((entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting) && !more.hidden) show(STEP);
  }, { rootMargin: "600px" }).observe(byId("end"));
  /* Paper has no further down. */
  addEventListener("beforeprint", () => show(Infinity));
  addEventListener("afterprint", render);
  byId("print").addEventListener("click", () => print());
  render();
  document.documentElement.dataset.ready = "true";
})();
`;
