/** Who may do what on which mailbox, before and after, from all memberships of a preview together. */

import { isObject, mapOf } from "../http/json";
import { nameOf, type Properties, type ResourceChange, type Side } from "./preview";
import { givesAccess, isMailbox, reviewOf, textOf } from "./resources";
import { isUnknownMember, SECRET, UNKNOWN } from "./rules";
import { type Directory, isForgottenByPulumi, isGone, isRestored, type Place, placeOf } from "./words";

/** One person or group on one mailbox. */
export interface AccessChange {
  /** The person: an address, a sign-in name or an object id as the program has it, or words for somebody who is not known. */
  person: string;
  /** Object id, where the state knows it. */
  id?: string;
  displayName?: string;
  /** Whether `person` is the person's own name; otherwise it is words of this review. */
  isNamed: boolean;
  /** Whether it is about people of whom nobody knows how many they are. */
  isHidden: boolean;
  /** The flag that it raises by itself. */
  code?: "unknown-access" | "secret-access";
  mailbox: Place;
  loses: string[];
  gains: string[];
  /** Whether there was, or will be, any access. */
  had: boolean;
  has: boolean;
  /** Whether an exclusive membership takes it away. */
  isExclusive: boolean;
  /** Whether the state knows it as a group; the members of a group are not known. */
  isGroup?: true;
  /** The first day without access, where it ends: before and after. */
  ends?: { before?: string; after?: string };
  /** What a membership no longer gives, and others still do. */
  keeps?: { rights: string[]; through: string[] };
  remarks: string[];
}

/** Whether somebody keeps access, and it ends on another day. */
export function isEndChanged({ had, has, ends }: AccessChange): boolean {
  return had && has && ends !== undefined && ends.before !== ends.after;
}

/** Whether access ends later than it did, or not at all any more. */
export function isExtended(row: AccessChange): boolean {
  const { before, after } = row.ends ?? {};
  return isEndChanged(row) && before !== undefined && (after === undefined || after > before);
}

const EVERY_RIGHT = "every right";

/** What somebody may do on a mailbox by the memberships of one side. */
interface Grant {
  person: string;
  isNamed: boolean;
  rights: Set<string>;
  /** Names of the memberships that give each right. */
  through: Map<string, Set<string>>;
  /** When what each membership gives ends; undefined for one without an end. */
  ends: (string | undefined)[];
  automapping: boolean | undefined;
  code?: AccessChange["code"];
  remarks: Set<string>;
}

interface OnMailbox {
  place: Place;
  grants: Map<string, Grant>;
  isExclusive: boolean;
}

type Access = Map<string, OnMailbox>;

/**
 * Who gains and loses what. Losses come first, then by mailbox and person.
 *
 * @param found the people whom the refresh of the same preview found, as `mailbox person`; undefined for changes of the tenant, where no
 *   membership takes anything away.
 * @param today the day of the review, e.g. `2027-01-31`.
 */
export function accessChanges(
  changes: readonly ResourceChange[],
  directory: Directory,
  found: ReadonlySet<string> | undefined,
  today: string,
): AccessChange[] {
  const before: Access = new Map();
  const after: Access = new Map();
  const rows: AccessChange[] = [];
  const gone = new Map(
    changes
      .filter((change) => isMailbox(change) && isGone(change))
      .map((change) => [change.before?.id, change.op] as const),
  );
  for (const change of changes) {
    if (givesAccess(change)) {
      const { key } = placeOf(change, "after", directory);
      // What stays on a mailbox that is made anew stays with the old one.
      const isLeft = gone.get(key) === "replace" && (change.op === "same" || change.op === "update");
      collect(before, change, "before", directory, changes);
      if (gone.get(key) !== "delete" && !isLeft) {
        collect(after, change, "after", directory, changes);
      }
      rows.push(...notKnown(change, directory));
      rows.push(...orphaned(change, directory));
    }
  }
  for (const change of changes.filter(isMailbox)) {
    const mailbox = change.before?.id;
    if (mailbox !== undefined && gone.has(mailbox)) {
      rows.push(...others(change, changes, before.get(mailbox), directory));
    }
    if (change.op === "create" && isRestored(change.after)) {
      rows.push({
        ...nobody(directory.mailboxes.get(change.urn) ?? unnamed(change.urn)),
        person: "whoever had access when it was deleted",
        isHidden: true,
        gains: ["the rights of that time"],
        has: true,
        remarks: ["comes back with the restored mailbox"],
      });
    }
  }
  for (const [key, place] of places(before, after)) {
    rows.push(...compared(place, before.get(key), after.get(key), directory, found, today));
  }
  return rows.sort(
    (a, b) =>
      Number(b.loses.length > 0) - Number(a.loses.length > 0) ||
      compare(a.mailbox.address, b.mailbox.address) ||
      compare(a.person, b.person),
  );
}

function collect(
  access: Access,
  change: ResourceChange,
  which: "before" | "after",
  directory: Directory,
  changes: readonly ResourceChange[],
): void {
  const isForgotten = change.op === "delete" && isForgottenByPulumi(change, changes);
  const side = which === "before" || isForgotten ? change.before : change.after;
  if (side === undefined) {
    return;
  }
  const place = placeOf(change, which === "before" || isForgotten ? "before" : "after", directory);
  const on = access.get(place.key) ?? { place, grants: new Map<string, Grant>(), isExclusive: false };
  access.set(place.key, on);
  on.isExclusive ||= side.inputs.exclusive === true;
  const inState = membersOf(change.before?.outputs) ?? membersOf(change.before?.inputs);
  // Where it does not show who remains, nobody is said to lose access; `notKnown` says that it does not show.
  const members = which === "before" ? inState : (membersOf(side.inputs) ?? (change.op === "update" ? inState : {}));
  const deleted = mapOf(change.before?.outputs?.deletedMembers);
  for (const [text, given] of Object.entries(members ?? {})) {
    const key = isUnknownMember(text) ? `${change.urn} ${text}` : (directory.ids.get(text.toLowerCase()) ?? text);
    const grant = on.grants.get(key) ?? {
      person: isUnknownMember(text) ? "somebody who is not known yet" : text,
      isNamed: !isUnknownMember(text),
      ...(isUnknownMember(text) ? { code: "unknown-access" as const } : {}),
      rights: new Set<string>(),
      through: new Map<string, Set<string>>(),
      ends: [],
      automapping: undefined,
      remarks: new Set<string>(),
    };
    const { automapping, until, fullAccess } = mapOf(given);
    grant.ends.push(until === UNKNOWN ? "a day that is not known yet" : textOf(until));
    const add = (value: unknown, right: string) => {
      if (value === UNKNOWN || value === SECRET) {
        grant.code ??= value === SECRET ? "secret-access" : "unknown-access";
        grant.rights.add(`${right} (${value === SECRET ? "a secret" : "not known yet"})`);
      } else if (value === true) {
        grant.rights.add(right);
        grant.through.set(right, new Set([...(grant.through.get(right) ?? []), change.name]));
      }
    };
    add(given === true ? undefined : given, "rights");
    for (const [right, value] of reviewOf(change.kind).rights?.(given) ?? []) {
      add(value, right);
    }
    if (typeof automapping === "boolean" && fullAccess === true) {
      grant.automapping = automapping;
    }
    if (text in deleted) {
      grant.remarks.add("the account is deleted");
    }
    on.grants.set(key, grant);
  }
}

/** A membership whose people do not show before the deployment, or not at all. */
function notKnown(change: ResourceChange, directory: Directory): AccessChange[] {
  const { op, before, after, differing } = change;
  const [old, now] = [before?.inputs.members, after?.inputs.members];
  const isSecret = old === SECRET || now === SECRET;
  const isUnknown = now !== undefined && membersOf(after?.inputs) === undefined && now !== SECRET;
  if (op === "same" || (op === "update" && !differing.includes("members")) || !(isSecret || isUnknown)) {
    return [];
  }
  return [
    {
      ...nobody(placeOf(change, after === undefined ? "before" : "after", directory)),
      person: isSecret ? "people who are a secret" : "people who are not known yet",
      isHidden: true,
      code: isSecret ? "secret-access" : "unknown-access",
      loses: op === "create" ? [] : ["may lose rights"],
      gains: op === "delete" ? [] : ["may gain rights"],
      had: op !== "create",
      has: op !== "delete",
      remarks: [isSecret ? "the program keeps the members secret" : "shows in `pulumi up` only"],
    },
  ];
}

/** Entries of deleted users and groups that are taken away from now on. */
function orphaned(change: ResourceChange, directory: Directory): AccessChange[] {
  const { before, after } = change;
  if (after?.inputs.orphans !== "remove" || before?.inputs.orphans === "remove") {
    return [];
  }
  return otherMembers(before)
    .filter((name) => name.includes("(orphaned"))
    .map((name) => ({
      ...nobody(placeOf(change, "after", directory)),
      person: name,
      isNamed: true,
      loses: [EVERY_RIGHT],
      had: true,
      remarks: ["entry of a deleted account or group"],
    }));
}

/** People on a mailbox that goes, whom no membership declares. */
function others(
  mailbox: ResourceChange,
  changes: readonly ResourceChange[],
  declared: OnMailbox | undefined,
  directory: Directory,
): AccessChange[] {
  const names = changes
    .filter((change) => givesAccess(change) && change.before?.outputs?.mailboxId === mailbox.before?.id)
    .flatMap(({ before }) => otherMembers(before).filter(hasAccess));
  return [...new Set(names)]
    .filter((name) => !declared?.grants.has(directory.ids.get(name.toLowerCase()) ?? name.toLowerCase()))
    .map((name) => ({
      ...nobody(directory.mailboxes.get(mailbox.urn) ?? unnamed(mailbox.urn)),
      person: name,
      isNamed: true,
      loses: [EVERY_RIGHT],
      had: true,
      remarks: ["nobody declared it"],
    }));
}

function compared(
  place: Place,
  old: OnMailbox | undefined,
  now: OnMailbox | undefined,
  directory: Directory,
  found: ReadonlySet<string> | undefined,
  today: string,
): AccessChange[] {
  const people = [...new Set([...(old?.grants.keys() ?? []), ...(now?.grants.keys() ?? [])])];
  return people.flatMap((key): AccessChange[] => {
    const [before, after] = [old?.grants.get(key), now?.grants.get(key)];
    const grant = after ?? before;
    if (grant === undefined) {
      return [];
    }
    const loses = [...(before?.rights ?? [])].filter((right) => !after?.rights.has(right));
    const gains = [...(after?.rights ?? [])].filter((right) => !before?.rights.has(right));
    const remarks = new Set([...(before?.remarks ?? []), ...(after?.remarks ?? [])]);
    const [mapped, maps] = [before?.automapping, after?.automapping];
    const isMappingChanged = mapped !== undefined && maps !== undefined && mapped !== maps;
    const [ended, ends] = [endOf(before), endOf(after)];
    const isEndMoved = before !== undefined && after !== undefined && ended !== ends;
    const keeps = stillGiven(before, after);
    if (loses.length === 0 && gains.length === 0 && !isMappingChanged && !isEndMoved && keeps === undefined) {
      return [];
    }
    const end = endWords(before, after, today);
    if (end !== undefined) {
      remarks.add(end);
    }
    if (isMappingChanged) {
      remarks.add(
        `Outlook ${maps ? "opens" : "no longer opens"} the mailbox by itself; Full Access is taken and given again for it`,
      );
    }
    const isFound = found?.has(`${place.key} ${key}`);
    const isExclusive =
      loses.length > 0 && found !== undefined && now?.isExclusive === true && (after === undefined || isFound === true);
    if (isExclusive) {
      remarks.add(isFound ? "exclusive: nobody declared it" : "exclusive");
    }
    const displayName = directory.displayNames.get(key);
    const code = grant.code ?? (place.isKnown ? undefined : "unknown-access");
    return [
      {
        person: grant.person.includes("@") ? grant.person : (directory.texts.get(key) ?? grant.person),
        ...(directory.texts.has(key) ? { id: key } : {}),
        ...(displayName === undefined ? {} : { displayName }),
        ...(directory.groups.has(key) ? { isGroup: true as const } : {}),
        ...(ended === undefined && ends === undefined
          ? {}
          : { ends: { ...(ended && { before: ended }), ...(ends && { after: ends }) } }),
        ...(keeps === undefined ? {} : { keeps }),
        isNamed: grant.isNamed,
        isHidden: false,
        ...(code === undefined ? {} : { code }),
        mailbox: place,
        loses,
        gains,
        had: (before?.rights.size ?? 0) > 0,
        has: (after?.rights.size ?? 0) > 0,
        isExclusive,
        remarks: [...remarks],
      },
    ];
  });
}

/** When access ends: with the last declaration, and not at all where one has no end. */
function endOf(grant: Grant | undefined): string | undefined {
  const ends = grant?.ends ?? [];
  return ends.includes(undefined) ? undefined : [...ends].sort().at(-1);
}

function endWords(before: Grant | undefined, after: Grant | undefined, today: string): string | undefined {
  const [ended, ends] = [endOf(before), endOf(after)];
  if (after === undefined) {
    return ended === undefined
      ? undefined
      : ended <= today
        ? `access ended on ${ended}`
        : `access was to end on ${ended}`;
  }
  if (before === undefined || ended === ends) {
    return ends === undefined ? undefined : `until ${ends}`;
  }
  return ends === undefined
    ? `access no longer ends; it was to end on ${ended}`
    : `until ${ends}${ended === undefined ? ", before without an end" : ` instead of ${ended}`}`;
}

/** Rights that fewer memberships give than before, and that are not lost. */
function stillGiven(before: Grant | undefined, after: Grant | undefined): AccessChange["keeps"] {
  const rights = [...(after?.rights ?? [])].filter(
    (right) => (after?.through.get(right)?.size ?? 0) < (before?.through.get(right)?.size ?? 0),
  );
  const through = new Set(rights.flatMap((right) => [...(after?.through.get(right) ?? [])]));
  return rights.length === 0 ? undefined : { rights, through: [...through].sort() };
}

/** People on mailboxes whom nobody declares: those who came and went while the state was not looking. */
export function undeclaredChanges(tenant: readonly ResourceChange[], directory: Directory): AccessChange[] {
  const declared = new Set(
    tenant.flatMap((change) =>
      givesAccess(change)
        ? Object.keys(membersOf(change.after?.inputs) ?? {}).map((text) => keyOn(change, text, directory))
        : [],
    ),
  );
  const rows = tenant
    .filter((change) => givesAccess(change) && change.before !== undefined && change.after !== undefined)
    .flatMap((change): AccessChange[] => {
      const [before, after] = [otherMembers(change.before), otherMembers(change.after)];
      const row = (name: string) => ({ ...nobody(placeOf(change, "before", directory)), person: name, isNamed: true });
      const isNew = (name: string) => !declared.has(keyOn(change, name, directory)) && !name.includes(DENIED);
      // An earlier release said of an entry that denies only whose it is.
      const isDenied = (name: string) => after.some((one) => one.startsWith(`${name}${DENIED}`));
      return [
        ...denials(before, after).map((name) => ({
          ...row(name),
          loses: ["what an entry denies"],
          remarks: ["a denial outweighs a right; it is left alone"],
        })),
        ...denials(after, before).map((name) => ({
          ...row(name),
          gains: ["what an entry denied"],
          remarks: ["a right beside it works again"],
        })),
        ...before
          .filter((name) => !after.includes(name) && isNew(name) && !isDenied(name))
          .map((name) => ({ ...row(name), loses: ["some right"], had: true, remarks: ["nobody declared it"] })),
        ...after
          .filter((name) => !before.includes(name) && isNew(name))
          .map((name) => ({
            ...row(name),
            gains: ["some right"],
            has: true,
            remarks: ["nobody declares it; it is left alone"],
          })),
      ];
    });
  // Several memberships on one mailbox all tell of the same stranger.
  return [...new Map(rows.map((row) => [`${row.mailbox.key} ${row.person} ${row.has}`, row])).values()];
}

/** How what is denied to somebody stands behind the name. */
const DENIED = " (denied: ";

/** Those to whom something is denied that was not before. */
function denials(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((name) => name.includes(DENIED) && !before.includes(name));
}

/** Whether somebody among the others can use the mailbox: not a deleted account, and not one to whom something is denied. */
export function hasAccess(name: string): boolean {
  return !name.includes("(orphaned") && !name.includes(DENIED);
}

function keyOn(change: ResourceChange, text: string, directory: Directory): string {
  return `${placeOf(change, "before", directory).key} ${directory.ids.get(text.toLowerCase()) ?? text}`;
}

/** The people whom a refresh found on mailboxes, as `mailbox person`. */
export function foundBy(tenant: readonly ResourceChange[], directory: Directory): Set<string> {
  return new Set(
    tenant
      .filter((change) => givesAccess(change) && change.op === "update")
      .flatMap((change) => {
        const declared = membersOf(change.before?.inputs) ?? {};
        return Object.keys(membersOf(change.after?.inputs) ?? {})
          .filter((text) => !(text in declared))
          .map((text) => keyOn(change, text, directory));
      }),
  );
}

/** The administrators and servers that Exchange itself puts on every mailbox. */
const ITS_OWN =
  /^(NT AUTHORITY|[^\\]+)\\(SELF|SYSTEM|NETWORK SERVICE|Administrator|Domain Admins|Enterprise Admins|Organization Management|Exchange (Servers|Services|Trusted Subsystem|Domain Servers)|Managed Availability Servers|Public Folder Management|Delegated Setup|Discovery Management|JitUsers)$/i;

/** Who else is on a mailbox by Exchange's words, without what is on every mailbox. */
export function otherMembers(side: Side | undefined): string[] {
  const { otherMembers: names } = side?.outputs ?? {};
  return (Array.isArray(names) ? names.map(String) : []).filter((name) => !ITS_OWN.test(name));
}

function places(before: Access, after: Access): Map<string, Place> {
  return new Map([...before, ...after].map(([key, { place }]) => [key, place]));
}

function nobody(mailbox: Place): AccessChange {
  return {
    person: "",
    isNamed: false,
    isHidden: false,
    mailbox,
    loses: [],
    gains: [],
    had: false,
    has: false,
    isExclusive: false,
    remarks: [],
  };
}

function unnamed(urn: string): Place {
  return { key: urn, address: nameOf(urn), isKnown: true };
}

/** The members as a map; undefined where they are not one. */
function membersOf(properties: Properties | undefined): Properties | undefined {
  const { members } = properties ?? {};
  return isObject(members) ? members : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
