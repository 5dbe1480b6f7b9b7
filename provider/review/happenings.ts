/** What happens to mailboxes and records beside access, and the words for it. */

import { type Directory, isForgottenByPulumi, isGone, isRestored, type Place, placeOf, staysBehind } from "./access";
import type { Properties, ResourceChange, Side } from "./preview";
import { deletionMode, forwardingTarget, repliesOutside, SECRET, UNKNOWN } from "./rules";

/** A text that was read and not written by this program: it is escaped wherever it is shown. */
export interface Foreign {
  text: string;
}

/** Words of this program, with foreign texts among them. */
export type Words = readonly (string | Foreign)[];

/** What can happen to a mailbox or record, in the order of the table. Those that are codes of flags raise them. */
export const HAPPENINGS: readonly string[] = [
  "sign-in",
  ...["mailbox-purged", "mailbox-deleted", "mailbox-replaced", "mailbox-unmanaged", "mailbox-restored"],
  ...["mailbox-adopted", "record-deleted", "hold-lifted", "archive-disabled"],
  "setting",
];

interface Happening {
  /** One of {@link HAPPENINGS}. */
  code: string;
  place: Words;
  what: Words;
}

/** What happens to a mailbox or record beside its properties. */
export function happeningsOf(
  change: ResourceChange,
  changes: readonly ResourceChange[],
  directory: Directory,
): Happening[] {
  const { kind, op, before, after } = change;
  const happens = (code: string, ...what: Words): Happening => ({
    code,
    place: placed(change, directory),
    what,
  });
  const held = Array.isArray(before?.outputs?.holds) ? before.outputs.holds.map(String) : [];
  const holds: Words = held.length === 0 ? [] : [" It is under a hold (", foreign(held.join(", ")), ")."];
  if (kind === "MailboxMembership") {
    return op === "delete" && isForgottenByPulumi(change, changes)
      ? [happens("mailbox-unmanaged", "its people keep their access, which is no longer managed")]
      : [];
  }
  if (kind !== "SharedMailbox") {
    const isKept = before !== undefined && (before.inputs.deletion === "retain" || before.retainOnDelete === true);
    return op !== "delete" && op !== "replace"
      ? []
      : isKept
        ? [happens("mailbox-unmanaged", "stays in Dynamics 365, no longer managed")]
        : [happens("record-deleted", op === "delete" ? `the ${kind} is deleted` : `the ${kind} is replaced`)];
  }
  const found: Happening[] = [];
  if (op === "delete" || op === "replace") {
    const isPurged = before !== undefined && deletionMode({ ...before.inputs, ...before.outputs }) === "purge";
    found.push(
      before !== undefined && staysBehind(before)
        ? happens("mailbox-unmanaged", "stays in the tenant, no longer managed")
        : op === "replace"
          ? happens("mailbox-replaced", "is deleted, and an empty mailbox is made in its place.", ...holds)
          : isPurged
            ? happens("mailbox-purged", "is deleted for good, with its account.", ...holds)
            : happens("mailbox-deleted", "is deleted; it can be brought back for 30 days.", ...holds),
    );
  }
  if (op === "create" && isRestored(after)) {
    found.push(
      happens("mailbox-restored", "comes back, if a deleted mailbox had the address, with its mail and permissions"),
    );
  }
  const adopt = after?.inputs.adopt;
  if (op === "create" && (adopt === true || adopt === "convert")) {
    found.push(
      happens(
        "mailbox-adopted",
        adopt === "convert"
          ? "is taken over if it exists, also from a person, whose sign-in is then blocked"
          : "is taken over if it exists; whoever has access keeps it",
      ),
    );
  }
  if (op !== "delete" && after !== undefined) {
    found.push(...settingsOf(change, before?.inputs ?? {}, after.inputs, happens));
  }
  return found;
}

function settingsOf(
  { op }: ResourceChange,
  before: Properties,
  after: Properties,
  happens: (code: string, ...what: Words) => Happening,
): Happening[] {
  const found: Happening[] = [];
  if (after.signInBlocked === false && before.signInBlocked !== false) {
    found.push(happens("sign-in", "sign-in to its account is opened"));
  } else if (op !== "create" && after.signInBlocked === true && before.signInBlocked === false) {
    found.push(happens("sign-in", "sign-in to its account is blocked"));
  }
  if (before.archive === true && after.archive === false) {
    found.push(happens("archive-disabled", "its archive is disabled; the content is lost after 30 days"));
  } else if (after.archive === true && before.archive !== true) {
    found.push(happens("setting", "it gets an archive"));
  }
  const [old, now] = [daysOf(before.litigationHold), daysOf(after.litigationHold)];
  if (after.litigationHold !== undefined && now < old) {
    const what = now === 0 ? "its litigation hold is lifted" : `its litigation hold is shortened to ${now} days`;
    found.push(happens("hold-lifted", what));
  } else if (now > old) {
    found.push(happens("setting", "it is put on litigation hold"));
  }
  return found;
}

/** How many days a litigation hold keeps things: 0 for none, infinitely many without an end. */
function daysOf(hold: unknown): number {
  const { days } = (typeof hold === "object" && hold !== null ? hold : {}) as { days?: unknown };
  return hold === true ? Number.POSITIVE_INFINITY : typeof days === "number" ? days : 0;
}

/** Where mail of a mailbox goes: forwarding, automatic replies to people outside, and sources of forward mailboxes. */
export function mailOf(change: ResourceChange, directory: Directory): Words[][] {
  const { kind, op, before, after } = change;
  if (op === "same") {
    return [];
  }
  const mailbox = placed(change, directory);
  const rows: Words[][] = [];
  const row = (what: string, old: Words, now: Words) => {
    if (JSON.stringify(old) !== JSON.stringify(now)) {
      rows.push([mailbox, [what], old, now]);
    }
  };
  if (kind === "SharedMailbox") {
    const gone = isGone(change) && op === "delete";
    row("forwarding", forwarding(before?.inputs), gone ? NONE : forwarding(after?.inputs));
    row("automatic replies outside", replies(before?.inputs), gone ? NONE : replies(after?.inputs));
  }
  if (kind === "ForwardingMailbox") {
    const into = foreign(String(after?.inputs.emailAddress ?? before?.inputs.emailAddress ?? ""));
    const forwards: Words = ["forwarded to ", into, ", read by Dynamics 365"];
    const [old, now] = [sourcesOf(before, directory), sourcesOf(after, directory)];
    for (const [key, source] of new Map([...old, ...now])) {
      if (old.has(key) !== now.has(key)) {
        const what = ["source of a forward mailbox"];
        rows.push([[value(source)], what, old.has(key) ? forwards : NONE, now.has(key) ? forwards : NONE]);
      }
    }
  }
  if (kind === "Queue" || kind === "ForwardingMailbox") {
    const address = (side: Side | undefined): Words =>
      typeof side?.inputs.emailAddress === "string" ? [value(side.inputs.emailAddress)] : NONE;
    row("read by Dynamics 365", address(before), address(after));
  }
  return rows;
}

const NONE: Words = ["–"];

function forwarding(inputs: Properties | undefined): Words {
  const to = forwardingTarget(inputs ?? {});
  const isKept = (inputs?.forwarding as { keepCopy?: unknown } | undefined)?.keepCopy !== false;
  const isUnknown = inputs?.forwarding === UNKNOWN || (inputs?.forwarding as { to?: unknown })?.to === UNKNOWN;
  return isUnknown ? ["not known yet"] : to === undefined ? NONE : [value(to), isKept ? "" : ", without a copy"];
}

function replies(inputs: Properties | undefined): Words {
  const { externalAudience } = (inputs?.automaticReplies ?? {}) as { externalAudience?: unknown };
  return repliesOutside(inputs ?? {}) ? [externalAudience === "contactsOnly" ? "to contacts" : "to everybody"] : NONE;
}

/** The sources of a forward mailbox, by what tells one from another however it is written. */
function sourcesOf(side: Side | undefined, { ids }: Directory): Map<string, string> {
  const { sources } = side?.inputs ?? {};
  const list =
    typeof sources === "object" && sources !== null
      ? Object.keys(sources)
      : sources === undefined
        ? []
        : [String(sources)];
  return new Map(list.map((text) => [ids.get(text.toLowerCase()) ?? text, text]));
}

/** Mailboxes whose mail a change begins to forward to Dynamics 365. */
export function newSources({ kind, op, before, after }: ResourceChange, directory: Directory): string[] {
  const old = sourcesOf(before, directory);
  return kind !== "ForwardingMailbox" || op === "delete"
    ? []
    : [...sourcesOf(after, directory)].filter(([key]) => !old.has(key)).map(([, source]) => source);
}

/** Addresses at which a mailbox no longer receives mail. */
export function bouncingOf(
  change: ResourceChange,
  directory: Directory,
): { address: string; mailbox: Place; why: string }[] {
  const { op, before, after } = change;
  const declared = (side: Side | undefined): string[] => {
    const { primarySmtpAddress, emailAliases } = side?.inputs ?? {};
    return [primarySmtpAddress, ...(Array.isArray(emailAliases) ? emailAliases : [])].filter(
      (one): one is string => typeof one === "string" && one !== UNKNOWN,
    );
  };
  const mailbox = directory.mailboxes.get(before?.urn ?? change.urn) ?? {
    key: change.urn,
    address: change.name,
    isKnown: true,
  };
  if (op === "delete" && isGone(change)) {
    return declared(before).map((address) => ({ address, mailbox, why: "the mailbox is deleted" }));
  }
  if ((op !== "update" && op !== "replace") || before === undefined || after === undefined) {
    return [];
  }
  const now = declared(after);
  const [primary] = declared(before);
  const aliases = after.inputs.emailAliases;
  // The old primary address stays unless the aliases are declared; unknown ones may hold it.
  return declared(before)
    .filter((address) => !now.includes(address) && aliases !== UNKNOWN)
    .filter((address) => address !== primary || aliases !== undefined)
    .map((address) => ({ address, mailbox, why: "the program no longer declares it" }));
}

/** Licences that are assigned and taken away, by their names. */
export function seatsOf(
  mailboxes: readonly ResourceChange[],
): { sku: string; needed: number; freed: number; mailboxes: string[] }[] {
  const seats = new Map<string, { needed: number; freed: number; mailboxes: string[] }>();
  for (const change of mailboxes) {
    const [old, now] = [skuOf(change.before), change.op === "delete" ? undefined : skuOf(change.after)];
    const isDropped =
      change.op === "delete" ? isGone(change) : now !== undefined || change.after?.inputs.license === false;
    const count = (sku: string | undefined, what: "needed" | "freed") => {
      if (sku !== undefined) {
        const one = seats.get(sku) ?? { needed: 0, freed: 0, mailboxes: [] };
        one[what] += 1;
        one.mailboxes.push(String((change.after ?? change.before)?.inputs.primarySmtpAddress ?? change.name));
        seats.set(sku, one);
      }
    };
    if (old !== now && change.op !== "same") {
      count(now, "needed");
      count(isDropped ? old : undefined, "freed");
    }
  }
  return [...seats].map(([sku, one]) => ({ sku, ...one }));
}

function skuOf(side: Side | undefined): string | undefined {
  const { license } = side?.inputs ?? {};
  const sku = typeof license === "object" && license !== null ? (license as { sku?: unknown }).sku : undefined;
  return typeof sku === "string" ? sku : undefined;
}

/** The properties that change, each with its values in short. Who is a member stands elsewhere. */
export function differences(change: ResourceChange, directory: Directory): Words {
  const { op, kind, before, after, differing } = change;
  if (op === "delete") {
    return [""];
  }
  const inputs = after?.inputs ?? {};
  const names = op === "create" ? Object.keys(inputs).filter((name) => !name.startsWith("__")) : differing;
  return joined(
    names.map((name): Words => {
      if ((name === "members" && kind === "MailboxMembership") || name === "otherMembers") {
        return [name === "members" ? "members (above)" : "others who have access (above)"];
      }
      if (name === "mailbox" && kind === "MailboxMembership") {
        const place = (which: "before" | "after") => foreign(placeOf(change, which, directory).address);
        if (op !== "create" && place("before").text === place("after").text) {
          return ["mailbox ", place("after"), ", made anew or written in another way"];
        }
        return op === "create" ? ["mailbox ", place("after")] : ["mailbox ", place("before"), " → ", place("after")];
      }
      if (name === "__secrets") {
        const listed = (side: Side | undefined) => {
          const secrets = side?.inputs.__secrets;
          return Array.isArray(secrets) && secrets.length > 0 ? foreign(secrets.join(", ")) : "none";
        };
        return ["inputs that are secrets: ", listed(before), " → ", listed(after)];
      }
      const now = short(inputs[name]);
      return op === "create" ? [`${name} `, now] : [`${name} `, short(before?.inputs[name]), " → ", now];
    }),
  );
}

/** The longest value that is shown. */
const LONGEST = 80;

function short(given: unknown): string | Foreign {
  if (given === undefined) {
    return "–";
  }
  const text = typeof given === "string" ? given : JSON.stringify(given);
  return value([...text].length > LONGEST ? `${[...text].slice(0, LONGEST).join("")}…` : text);
}

export function value(text: string): string | Foreign {
  return text === SECRET ? "a secret" : text.includes(UNKNOWN) ? "not known yet" : foreign(text);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function resource({ kind, name }: ResourceChange): Words {
  return [`${kind} `, foreign(name)];
}

/** A resource by the address of its mailbox. */
function placed(change: ResourceChange, directory: Directory): Words {
  const { urn, kind, before, after } = change;
  const known = directory.mailboxes.get(before?.urn ?? urn) ?? directory.mailboxes.get(urn);
  if (kind === "SharedMailbox" && known !== undefined) {
    return named(known);
  }
  if (kind === "MailboxMembership") {
    return named(placeOf(change, "before", directory));
  }
  const name = (after ?? before)?.inputs.name ?? (after ?? before)?.inputs.user ?? change.name;
  return [`${kind} `, foreign(String(name))];
}

export function named({ address, displayName }: Place): Words {
  return displayName === undefined || displayName === address
    ? [foreign(address)]
    : [foreign(displayName), " ", foreign(address)];
}

export function foreign(text: string): Foreign {
  return { text };
}

export function joined(list: readonly Words[]): Words {
  return list.flatMap((words, index) => (index === 0 ? words : ["; ", ...words]));
}

export function distinct(list: readonly Words[]): Words[] {
  return [...new Map(list.map((words) => [JSON.stringify(words), words])).values()];
}
