/** What a reviewer has to know of a preview: who gains and loses access, what else is risky, and the rest. */

import { mapOf, plural } from "../http/json";
import {
  type AccessChange,
  accessChanges,
  foundBy,
  hasAccess,
  isEndChanged,
  isExtended,
  otherMembers,
  undeclaredChanges,
} from "./access";
import { nameOf, type Preview, type ResourceChange, type Side } from "./preview";
import {
  bouncingOf,
  differences,
  directoryOf,
  givesAccess,
  HAPPENINGS,
  happeningsOf,
  isMailbox,
  mailOf,
  seatsOf,
} from "./resources";
import { type Declared, domainsOf, type MailboxPolicyOptions, RULE_CODES, violationsAmong } from "./rules";
import {
  type Directory,
  distinct,
  foreign,
  isGone,
  joined,
  named,
  type Place,
  placeOf,
  resource,
  type Words,
} from "./words";

/** A table of a review. */
export interface Section {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly Words[])[];
  /** What is said below the table, whatever is cut. */
  notes: readonly Words[];
}

/** A risk, by a code that does not change between releases. */
export interface Flag {
  code: string;
  /** What the code means. */
  meaning: string;
  /** What it is about, each with the reason where there is more to say. */
  places: readonly Words[];
}

/** A review. */
export interface Review {
  /** Project and stack. */
  stack: string;
  /** The first line: what a reader of a mail has to know. */
  headline: string;
  counts: {
    gaining: number;
    losing: number;
    changed: number;
    /** People and groups whose access ends on another day, and changes in nothing else. */
    ending: number;
    deletedMailboxes: number;
    drifted: number;
  };
  flags: readonly Flag[];
  access: readonly AccessChange[];
  drift: readonly AccessChange[];
  sections: readonly Section[];
}

const CHANGE_CODES = {
  "mailbox-purged": "A mailbox and its account are deleted for good.",
  "mailbox-deleted": "A mailbox is deleted; it can be brought back for 30 days.",
  "mailbox-replaced": "A mailbox is deleted, and an empty one is made in its place.",
  "mailbox-unmanaged": "A mailbox, or access to one, stays in the tenant and is no longer managed.",
  "mailbox-restored": "A deleted mailbox comes back, with whoever had access to it.",
  "mailbox-adopted": "A mailbox that exists is taken over, with whoever has access to it.",
  "record-deleted": "A forward mailbox, queue or record of Dynamics 365 is deleted or replaced.",
  "exclusive-removes": "An exclusive membership takes access away.",
  "access-ended": "Access that was given until a day is over, and is taken away.",
  "access-extended": "Access ends later than it did, or does not end any more.",
  "unknown-access": "Who gains or loses access does not show before the deployment.",
  "secret-access": "Who gains or loses access is a secret of the program.",
  "deleted-member": "Somebody whose account is deleted keeps access, which works again once the account is restored.",
  "source-added": "Mail of one more mailbox is forwarded to Dynamics 365.",
  "hold-lifted": "A litigation hold is lifted or shortened.",
  "archive-disabled": "An archive is disabled; its content is lost after 30 days.",
  "address-bounces": "An address stops receiving mail.",
  "seats-needed": "More licences are needed.",
  drift: "Somebody changed the tenant behind the program.",
} as const;

/** Every code of a flag, with what it means. Those with `drift-` before them are of what somebody changed in the tenant. */
export const FLAG_CODES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(RULE_CODES).map(([code, demand]) => [code, `A rule is broken: ${demand}`])),
  ...CHANGE_CODES,
};

/** Rules that hold in every review; the others need parameters. */
const RULES: MailboxPolicyOptions = {
  signInOpen: "mandatory",
  externalForwarding: "mandatory",
  permanentDeletion: "mandatory",
  everyoneGroup: "mandatory",
  externalReplies: "mandatory",
};

/**
 * Reviews a preview.
 *
 * @param rules what is asked of mailboxes beside the rules that are on by default; the options of the policy pack.
 * @param today the day of the review in UTC, e.g. `2027-01-31`.
 * @throws Error when the preview failed, because it is not whole.
 */
export function review(
  preview: Preview,
  rules: MailboxPolicyOptions = {},
  today = new Date().toISOString().slice(0, 10),
): Review {
  const failure = failureOf(preview);
  if (failure !== undefined) {
    throw new Error(failure.map((part) => (typeof part === "string" ? part : part.text)).join(""));
  }
  const all = [...preview.tenant, ...preview.program];
  const directory = directoryOf(all, preview.read);
  const found = foundBy(preview.tenant, directory);
  const program = findings(preview.program, directory, found, { ...RULES, ...rules }, today);
  // By the names that things have there, not by those that the program gives them.
  const inTenant = directoryOf(preview.tenant, preview.read);
  const tenant = findings(preview.tenant, inTenant, undefined, { ...RULES, ...rules }, today);
  const undeclared = undeclaredChanges(preview.tenant, inTenant);
  const drift = [...tenant.access, ...undeclared];
  // Others on a mailbox may be those of memberships that were deployed later: that is nobody's doing.
  const isOthers = ({ differing }: ResourceChange) => differing.length === 1 && differing[0] === "otherMembers";
  const drifted = preview.tenant.filter((change) => {
    const { key } = placeOf(change, "before", inTenant);
    return change.op !== "same" && (!isOthers(change) || undeclared.some(({ mailbox }) => mailbox.key === key));
  });
  const flags = [
    ...program.flags,
    ...(drifted.length === 0 ? [] : [flag("drift", drifted.map(resource))]),
    ...tenant.flags.map((one) => ({
      ...one,
      code: `drift-${one.code}`,
      meaning: `Found in the tenant: ${one.meaning}`,
    })),
  ];
  const deleted = preview.program.filter((change) => isMailbox(change) && isGone(change));
  const shown = program.access.filter(({ isHidden }) => !isHidden);
  const gaining = shown.filter(({ had, has }) => !had && has);
  const losing = shown.filter(({ had, has }) => had && !has);
  const changed = shown.filter(({ had, has, loses, gains }) => had && has && loses.length + gains.length > 0);
  const ending = shown.filter((row) => isEndChanged(row) && !changed.includes(row));
  const counts = {
    gaining: distinctPeople(gaining).length,
    losing: distinctPeople(losing).length,
    changed: distinctPeople(changed).length,
    ending: distinctPeople(ending).length,
    deletedMailboxes: deleted.length,
    drifted: drifted.length,
  };
  return {
    stack: preview.stack,
    headline: headline(preview, counts, {
      gaining,
      losing,
      changed,
      ending,
      hidden: program.access.filter((row) => row.isHidden),
    }),
    counts,
    flags,
    access: program.access,
    drift,
    sections: [
      ...program.sections,
      accessTable("Found in the tenant: access that somebody changed", drift),
      restTable("Found in the tenant: what else differs from the state", drifted, inTenant),
      warnings(preview),
      beside(preview),
    ].filter(({ rows, notes }) => rows.length + notes.length > 0),
  };
}

/** Why a preview cannot be reviewed, with the next step; undefined where it is whole. */
export function failureOf({ errors }: Preview): Words | undefined {
  // The engine's last word, which says nothing.
  const [error, ...more] = errors.filter((one) => one !== "preview failed");
  if (errors.length === 0) {
    return undefined;
  }
  if (error === undefined) {
    return [
      "The preview failed, so it does not show everything, and its JSON does not say why, as where a policy stops it. ",
      "Run `pulumi preview` without --json, and mend what it says.",
    ];
  }
  return [
    "The preview failed, so it does not show everything: ",
    foreign(inShort(error)),
    more.length === 0 ? "" : ` (and ${plural(more.length, "more error")})`,
    ". Mend that, and run `pulumi preview --json` again.",
  ];
}

interface Findings {
  access: AccessChange[];
  flags: Flag[];
  sections: Section[];
}

/** Everything about one list of changes: those of the program, or those of the tenant. */
function findings(
  changes: readonly ResourceChange[],
  directory: Directory,
  found: ReadonlySet<string> | undefined,
  rules: MailboxPolicyOptions,
  today: string,
): Findings {
  const access = accessChanges(changes, directory, found, today);
  const bouncing = changes.flatMap((change) => bouncingOf(change, directory));
  const seats = seatsOf(changes);
  const happenings = changes
    .flatMap((change) => happeningsOf(change, changes, directory))
    .sort((a, b) => HAPPENINGS.indexOf(a.code) - HAPPENINGS.indexOf(b.code));
  const mail = changes.flatMap((change) => mailOf(change, directory));
  const byCode = new Map<string, Words[]>();
  const note = (code: string, ...places: Words[]) => byCode.set(code, [...(byCode.get(code) ?? []), ...places]);

  const byUrn = new Map(changes.map((change) => [change.urn, change]));
  for (const { code, urn, message } of newViolations(changes, directory, rules)) {
    const change = byUrn.get(urn);
    note(code, change === undefined ? [foreign(urn)] : [...resource(change), ": ", foreign(message)]);
  }
  for (const { code, place } of happenings.filter((one) => one.code in CHANGE_CODES)) {
    note(code, place);
  }
  const on = (person: string, { address }: Place): Words => [foreign(person), " on ", foreign(address)];
  for (const row of access) {
    const { person, isNamed, isExclusive, had, has, ends, mailbox, code } = row;
    if (isExclusive && isNamed) {
      note("exclusive-removes", on(person, mailbox));
    }
    if (had && !has && ends?.before !== undefined && ends.before <= today) {
      note("access-ended", on(person, mailbox));
    }
    if (isExtended(row)) {
      note("access-extended", on(person, mailbox));
    }
    if (code !== undefined) {
      note(code, [foreign(mailbox.address)]);
    }
  }
  for (const { code, mailbox } of mail) {
    if (code !== undefined) {
      note(code, mailbox);
    }
  }
  note("address-bounces", ...bouncing.map(({ address }) => [foreign(address)]));
  for (const { sku, needed, freed } of seats.filter((one) => one.needed > one.freed)) {
    note("seats-needed", [foreign(sku), `: ${needed - freed}`]);
  }
  const deleted = new Set(changes.flatMap(({ before }) => Object.keys(mapOf(before?.outputs?.deletedMembers))));
  for (const change of changes.filter((one) => givesAccess(one) && one.op !== "delete")) {
    const members = Object.keys(mapOf(change.after?.inputs.members));
    for (const person of members.filter((one) => deleted.has(one))) {
      note("deleted-member", on(person, placeOf(change, "after", directory)));
    }
  }
  const order = Object.keys(FLAG_CODES);
  return {
    access,
    flags: [...byCode]
      .filter(([, places]) => places.length > 0)
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([code, places]) => flag(code, distinct(places))),
    sections: [
      accessTable("Who loses and who gains access", access, exclusivity(changes, directory)),
      section(
        "Where mail goes",
        ["Mailbox", "What", "Before", "After"],
        mail.map(({ mailbox, what, before, after }) => [mailbox, [what], before, after]),
      ),
      section(
        "Sign-in; deletions, replacements and takeovers; holds and archives",
        ["Mailbox or record", "What happens"],
        happenings.map(({ place, what }) => [place, what]),
      ),
      section(
        "Addresses that stop receiving mail",
        ["Address", "Mailbox", "Why"],
        bouncing.map(({ address, mailbox, why }) => [[foreign(address)], named(mailbox), [why]]),
      ),
      section(
        "Licences",
        ["Licence", "Seats needed", "Seats freed", "Mailboxes"],
        seats.map(({ sku, needed, freed, mailboxes: names }) => [
          [foreign(sku)],
          [String(needed)],
          [String(freed)],
          joined(names.map((name) => [foreign(name)])),
        ]),
      ),
      restTable("Everything by resource", changes, directory),
    ],
  };
}

function section(
  title: string,
  columns: readonly string[],
  rows: Section["rows"],
  notes: readonly Words[] = [],
): Section {
  return { title, columns, rows, notes };
}

function accessTable(title: string, access: readonly AccessChange[], notes: readonly Words[] = []): Section {
  const columns = ["Person or group", "Mailbox", "Loses", "Gains", "Remarks"];
  const rows = access.map(({ person, displayName, isNamed, isGroup, mailbox, loses, gains, keeps, remarks }) => [
    !isNamed ? [person] : displayName === undefined ? [foreign(person)] : [foreign(displayName), " ", foreign(person)],
    named(mailbox),
    [loses.join(", ")],
    [gains.join(", ")],
    joined([
      ...[...(isGroup ? ["group"] : []), ...remarks].map((remark) => [remark]),
      ...(keeps === undefined
        ? []
        : [
            [
              `still has ${keeps.rights.join(", ")} through `,
              ...joined(
                keeps.through.map((name) => [foreign(name)]),
                ", ",
              ),
            ],
          ]),
    ]),
  ]);
  return section(title, columns, rows, notes);
}

/** Memberships that become exclusive take nothing away at once, and those that are no longer so stop looking. */
function exclusivity(changes: readonly ResourceChange[], directory: Directory): Words[] {
  return changes
    .filter((change) => givesAccess(change) && (change.op === "update" || change.op === "create"))
    .flatMap((change): Words[] => {
      const [was, is] = [change.before?.inputs.exclusive === true, change.after?.inputs.exclusive === true];
      if (was === is) {
        return [];
      }
      const place = foreign(placeOf(change, "after", directory).address);
      const others = otherMembers(change.before).filter(hasAccess);
      if (!is) {
        return [["The membership of ", place, " is no longer exclusive: access that nobody declares is left alone."]];
      }
      const who: Words =
        others.length === 0
          ? [""]
          : [" Others have access now: ", ...joined(others.map((name) => [foreign(name)])), "."];
      return [
        [
          "The membership of ",
          place,
          " becomes exclusive. It takes nothing away in this deployment; the next preview with --refresh names who loses access.",
          ...who,
        ],
      ];
    });
}

/** Rules that are broken now and were not before. */
function newViolations(changes: readonly ResourceChange[], directory: Directory, rules: MailboxPolicyOptions) {
  const domains = new Set(
    changes.flatMap(({ before, after }) =>
      [before, after].flatMap((side) => [
        ...domainsOf(side?.inputs ?? {}),
        ...domainsOf({
          emailAliases: (side?.outputs?.addresses as string[] | undefined)?.filter((one) => /^smtp:/i.test(one)),
        }),
        ...domainsOf({ emailAliases: side?.outputs?.mailboxAddresses }),
      ]),
    ),
  );
  const side = (which: "before" | "after") =>
    changes.flatMap((change) => {
      const one = change[which];
      return one === undefined ? [] : [declared(change, one, directory)];
    });
  const before = new Set(
    violationsAmong(side("before"), rules, [...domains]).map(({ code, urn, message }) => `${code} ${urn} ${message}`),
  );
  return violationsAmong(side("after"), rules, [...domains]).filter(
    ({ code, urn, message }) => !before.has(`${code} ${urn} ${message}`),
  );
}

function declared(
  { urn, kind }: ResourceChange,
  { inputs, propertyDependencies }: Side,
  directory: Directory,
): Declared {
  const known = directory.urns.get(String(inputs.mailbox)) ?? [];
  return { urn, kind, inputs, mailboxFrom: [...(propertyDependencies?.mailbox ?? []), ...known] };
}

function restTable(title: string, changes: readonly ResourceChange[], directory: Directory): Section {
  const changing = changes.filter(({ op }) => op !== "same");
  const rows = changing.map((change) => [resource(change), [change.op], differences(change, directory)]);
  return section(title, ["Resource", "Operation", "What changes"], rows);
}

function warnings({ warnings: list, program }: Preview): Section {
  const rows = list.map(({ urn, text }) => {
    const change = program.find((one) => one.urn === urn);
    return [change === undefined ? [foreign(nameOf(urn ?? ""))] : resource(change), [foreign(text)]];
  });
  return section("What Pulumi warns of", ["Resource", "Warning"], rows);
}

/** Resources of other packages: counted, never shown. */
function beside({ others }: Preview): Section {
  const changes = Object.entries(others).filter(([op]) => op !== "same" && op !== "read");
  const count = changes.reduce((sum, [, one]) => sum + one, 0);
  const note = `${plural(count, "resource")} of other packages ${count === 1 ? "changes and is" : "change and are"} not shown here (${changes.map(([op, one]) => `${one} ${op}`).join(", ")}).`;
  return section("Beside mailboxes", [], [], count === 0 ? [] : [[note]]);
}

function headline(
  { program, isRefreshed }: Preview,
  { gaining, losing, changed, ending, deletedMailboxes, drifted }: Review["counts"],
  rows: Readonly<Record<"gaining" | "losing" | "changed" | "ending" | "hidden", readonly AccessChange[]>>,
): string {
  const mailboxes = (list: readonly AccessChange[]) =>
    plural(new Set(list.map(({ mailbox }) => mailbox.key)).size, "mailbox", "mailboxes");
  const touched = program.filter(({ op }) => op !== "same").length;
  const isNobody = gaining + losing + changed + ending + rows.hidden.length === 0;
  const deletions =
    deletedMailboxes === 0
      ? "no mailbox is deleted"
      : `${plural(deletedMailboxes, "mailbox", "mailboxes")} ${deletedMailboxes === 1 ? "is" : "are"} deleted`;
  const parts: readonly (readonly [isSo: boolean, text: string])[] = [
    [gaining > 0, `${people(rows.gaining)} ${gaining === 1 ? "gains" : "gain"} access to ${mailboxes(rows.gaining)}`],
    [losing > 0, `${people(rows.losing)} ${losing === 1 ? "loses" : "lose"} access to ${mailboxes(rows.losing)}`],
    [changed > 0, `the rights of ${people(rows.changed)} on ${mailboxes(rows.changed)} change`],
    [ending > 0, `the access of ${people(rows.ending)} to ${mailboxes(rows.ending)} ends on another day`],
    [rows.hidden.length > 0, `who gains or loses access to ${mailboxes(rows.hidden)} does not show`],
    [isNobody, touched === 0 ? "nothing changes" : "nobody's access changes"],
    [touched > 0, deletions],
    [
      drifted > 0,
      `${plural(drifted, "resource")} ${drifted === 1 ? "was" : "were"} changed in the tenant behind the program`,
    ],
    [isRefreshed && drifted === 0, "the tenant is as the state has it"],
  ];
  const text = parts.flatMap(([isSo, part]) => (isSo ? [part] : [])).join(", ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** One row of each person or group. */
function distinctPeople(rows: readonly AccessChange[]): AccessChange[] {
  return [...new Map(rows.map((row) => [row.id ?? row.person, row])).values()];
}

/** How many people and groups; what the state does not know as a group counts as a person. */
function people(rows: readonly AccessChange[]): string {
  const distinctRows = distinctPeople(rows);
  const groups = distinctRows.filter(({ isGroup }) => isGroup).length;
  const persons = distinctRows.length - groups;
  return [
    ...(persons === 0 ? [] : [plural(persons, "person", "people")]),
    ...(groups === 0 ? [] : [plural(groups, "group")]),
  ].join(" and ");
}

function flag(code: string, places: readonly Words[]): Flag {
  return { code, meaning: FLAG_CODES[code] ?? "", places };
}

/** An error without the places in the program where it was thrown, and without its full stop. */
function inShort(error: string): string {
  const lines = error.split("\n").map((line) => line.trim());
  const end = lines.findIndex((line) => line.startsWith("at "));
  const text = lines
    .slice(0, end < 0 ? undefined : end)
    .join(" ")
    .replace(/[.\s]+$/, "");
  return [...text].length > LONGEST_ERROR ? `${[...text].slice(0, LONGEST_ERROR).join("")}…` : text;
}

const LONGEST_ERROR = 500;
