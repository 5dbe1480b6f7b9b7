/** Writes an access review as a table for a terminal, or as CSV. */
import Table from "cli-table3";
import {
  declaredWords,
  FINDING_CODES,
  type Finding,
  findingsOf,
  type MailboxAccess,
  type Report,
  rightsWords,
} from "./report";

/** How a review is grouped. */
export type Grouping = "mailbox" | "person";

/** One right-hand side of a row: what somebody has on a mailbox. */
interface Row {
  mailbox: string;
  mailboxName: string;
  person: string;
  personName: string;
  kind: string;
  rights: string;
  declaredBy: string;
  until: string;
  findings: readonly Finding[];
}

/** A review as text. */
export function tableOf(report: Report, by: Grouping): string {
  const hasStacks = report.stacks.length > 0;
  const rows = rowsOf(report);
  const columns = [
    by === "mailbox" ? "Person or group" : "Mailbox",
    "Rights",
    ...(hasStacks ? ["Declared by"] : []),
    ...(rows.some(({ until }) => until !== "") ? ["Until"] : []),
    "Findings",
  ];
  const cells = (row: Row): string[] => {
    const [name, more] = by === "mailbox" ? [row.person, row.personName] : [row.mailbox, row.mailboxName];
    const kind = by === "mailbox" && row.kind !== "person" ? ` (${row.kind})` : "";
    const all = [
      `${named(name, more)}${kind}`,
      row.rights,
      row.declaredBy,
      row.until,
      row.findings.map(({ text }) => text).join("; "),
    ];
    return all
      .filter((_, index) => (index !== 2 || hasStacks) && (index !== 3 || columns.includes("Until")))
      .map(shown);
  };
  const table = (some: readonly Row[]): string => {
    const drawn = new Table({ head: columns, style: { head: [], border: [] } });
    drawn.push(...some.map(cells));
    return drawn.toString();
  };
  const groups =
    by === "mailbox"
      ? report.mailboxes.map((mailbox) => ({
          heading: mailboxHeading(mailbox, hasStacks),
          rows: rows.filter(({ mailbox: address }) => address === mailbox.address),
        }))
      : [...new Set(rows.map(({ person }) => person))].sort().map((person) => {
          const own = rows.filter((row) => row.person === person);
          const [first] = own;
          const kind = first?.kind === "person" ? "" : ` (${first?.kind})`;
          return { heading: `${named(person, first?.personName ?? "")}${kind}`, rows: own };
        });
  return [
    ...groups.map(({ heading, rows: own }) => `${shown(heading)}\n${own.length === 0 ? "" : `${table(own)}\n`}`),
    summary(report),
  ].join("\n");
}

/** A review as CSV, one line for each person on a mailbox, and one for a mailbox that nobody has access to. */
export function csvOf(report: Report): string {
  const head = [
    "mailbox",
    "mailbox name",
    "person",
    "person name",
    "kind",
    "rights",
    "declared by",
    "until",
    "findings",
  ];
  const lines = report.mailboxes.flatMap((mailbox) => {
    const own = rowsOf({ ...report, mailboxes: [mailbox] });
    const ofMailbox = mailbox.findings;
    const empty: Row = {
      mailbox: mailbox.address,
      mailboxName: mailbox.displayName,
      person: "",
      personName: "",
      kind: "",
      rights: "",
      declaredBy: "",
      until: "",
      findings: ofMailbox,
    };
    return [...(own.length === 0 || ofMailbox.length > 0 ? [empty] : []), ...own];
  });
  const cells = lines.map((row) => [
    ...[row.mailbox, row.mailboxName, row.person, row.personName, row.kind, row.rights, row.declaredBy, row.until],
    row.findings.map(({ code, text }) => `${code}: ${text}`).join("; "),
  ]);
  // With a byte order mark, without which Excel reads names in another encoding.
  return `\uFEFF${[head, ...cells].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/**
 * A cell that no spreadsheet takes for a formula: a text that begins as one gets an apostrophe before it.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function cell(text: string): string {
  const safe = /^[\s\p{Cc}\p{Cf}]*[=+\-@\t\r\n＝＋－＠]/u.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function rowsOf(report: Report): Row[] {
  return report.mailboxes.flatMap(({ address, displayName, access }) =>
    access.map((one) => ({
      mailbox: address,
      mailboxName: displayName,
      person: one.person,
      personName: one.displayName ?? "",
      kind: one.kind,
      rights: rightsWords(one),
      declaredBy: report.stacks.length === 0 ? "" : declaredWords(one),
      until: one.until ?? "",
      findings: one.findings,
    })),
  );
}

function mailboxHeading(
  { address, displayName, declaredBy, access, findings }: MailboxAccess,
  hasStacks: boolean,
): string {
  const by = hasStacks ? `, declared by ${declaredBy.join(" and ") || "nobody"}` : "";
  const said = findings.map(({ text }) => text);
  const nobody = access.length === 0 && !findings.some(({ code }) => code === "no-members") ? ["no entries"] : [];
  return [`${named(address, displayName)}${by}`, ...said, ...nobody].join("; ");
}

/** How much there is, and how much of it to look at, in one sentence. */
export function counted(report: Report): string {
  const people = new Set(report.mailboxes.flatMap(({ access }) => access.map(({ id, person }) => id ?? person))).size;
  const mailboxes = report.mailboxes.length;
  const findings = findingsOf(report).length;
  const what = `${mailboxes} ${mailboxes === 1 ? "mailbox" : "mailboxes"}, ${people} ${people === 1 ? "person or group" : "people and groups"} with access`;
  return `${what}, ${findings === 0 ? "nothing to look at" : `${findings} to look at`}.`;
}

function summary(report: Report): string {
  const findings = findingsOf(report);
  const counts = Object.keys(FINDING_CODES).flatMap((code) => {
    const count = findings.filter((one) => one.code === code).length;
    return count === 0 ? [] : [`  ${String(count).padStart(4)}  ${code.padEnd(22)}${FINDING_CODES[code as never]}`];
  });
  return [counted(report), ...counts, ...report.notes.map((note) => `Note: ${shown(note)}`), ""].join("\n");
}

function named(address: string, name: string): string {
  return name === "" || name === address ? address : `${address} ${name}`;
}

/** A text on one line, without what a terminal would act on, or what turns the reading direction. */
function shown(text: string): string {
  return text.replace(/[\s\p{Zl}\p{Zp}]+/gu, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "\ufffd");
}
