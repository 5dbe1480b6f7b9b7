/** What an access review says: who has which right on which mailbox, who declares it, and what somebody should look at. */
import { isOver } from "../core/canonical";
import { mapOf } from "../http/json";
import { kindNamed } from "../kinds";
import { SECRET } from "../review/rules";
import type { KindReview } from "../review/words";
import { type Entry, NAMED_RIGHTS, type Right, rightInWords } from "../services/permissions";
import {
  NEARLY_FULL,
  type Reading,
  type ReadMailbox,
  type Stack,
  type StackResource,
  type Trustee,
  type TrusteeKind,
} from "./read";

/** Something to look at, by a code that does not change between releases. */
export interface Finding {
  code: FindingCode;
  text: string;
}

/** A right that somebody has. */
export interface GivenRight {
  right: string;
  /** The resources that declare it; empty for nobody. */
  declaredBy: string[];
  /** Whether nobody else is known to declare it, and a secret of a program may. */
  isHidden?: true;
}

/** What somebody may do on a mailbox. */
export interface Access {
  /** Address, sign-in name, or what Exchange prints. */
  person: string;
  id?: string;
  displayName?: string;
  kind: TrusteeKind;
  rights: GivenRight[];
  /** Whether Outlook opens the mailbox by itself; undefined where no state says so. */
  automapping?: boolean;
  /** The first day without access, where every declaration ends. */
  until?: string;
  /** Of a group, the object ids of its members, those of groups in it among them; undefined where they were not read. */
  memberIds?: string[];
  /** The group through which one person has it; only where a report is of one person. */
  through?: string;
  findings: Finding[];
}

/** A mailbox with everybody on it. */
export interface MailboxAccess {
  id: string;
  address: string;
  displayName: string;
  /** The resources that declare the mailbox; empty for nobody. */
  declaredBy: string[];
  /** Rights in words of which nobody may tell who has them: the application may not read the list. */
  unread: string[];
  access: Access[];
  /** What is to say of the mailbox itself. */
  findings: Finding[];
}

/** An access review. */
export interface Report {
  /** The day it was made, in UTC. */
  day: string;
  tenantId: string;
  /** The stacks whose states were given: `project/stack`. */
  stacks: string[];
  mailboxes: MailboxAccess[];
  /** What was not read, and what could not be used. */
  notes: string[];
}

/** Every code of a finding, with what it means. */
export const FINDING_CODES = {
  "undeclared-access": "No given stack declares the right.",
  leaver: "The account is blocked or deleted, and still has access.",
  guest: "Somebody of another organisation has access.",
  "large-group": "A group with many members has access.",
  orphan: "An entry of a deleted user or group is left.",
  "access-over": "Access that a stack gave until a day in the past is still there.",
  "automapping-unknown": "No given stack says whether Outlook opens the mailbox by itself.",
  "external-forwarding": "Mail is forwarded to an address outside.",
  "sign-in-open": "Somebody can sign in to the mailbox's own account.",
  "no-members": "Nobody has access to the mailbox.",
  "nearly-full": "The mailbox is near 50 GB and has no licence; at 50 GB mail stops.",
} as const;

/** A code of a finding. */
export type FindingCode = keyof typeof FINDING_CODES;

/** How a report is made. */
export interface Asked {
  /** The day, in UTC. */
  day: string;
  /** The most members a group may have without a finding. */
  mostInGroup: number;
}

/** What one resource declares for one person on one mailbox. */
interface Declaration {
  by: string;
  rights: readonly string[];
  /** Whether some of its rights are a secret of the program. */
  isHidden: boolean;
  automapping: boolean | undefined;
  until: string | undefined;
}

/** Makes the report. Pure. */
export function reportOf(reading: Reading, stacks: readonly Stack[], asked: Asked): Report {
  const declared = new Declarations(stacks);
  return {
    day: asked.day,
    tenantId: reading.tenantId,
    stacks: stacks.map(({ name }) => name),
    mailboxes: reading.mailboxes.map((one) => mailboxOf(one, declared, asked)),
    notes: declared.notes,
  };
}

/**
 * Part of a report: what one person has, by entries of one's own and through groups.
 *
 * @param names addresses, sign-in name and object id, in lower case.
 */
export function ofPerson(report: Report, names: ReadonlySet<string>, called: string): Report {
  const own = (access: Access): Access[] => {
    if (names.has(access.person.toLowerCase()) || names.has((access.id ?? "").toLowerCase())) {
      return [access];
    }
    const { memberIds = [], person: through, displayName: _of, id: _id, ...rest } = access;
    // What is to look at is the group's.
    return memberIds.some((id) => names.has(id.toLowerCase()))
      ? [{ ...rest, person: called, kind: "person", through, findings: [] }]
      : [];
  };
  const mailboxes = report.mailboxes
    .map((mailbox) => ({ ...mailbox, findings: [], access: mailbox.access.flatMap(own) }))
    .filter(({ access }) => access.length > 0);
  return { ...report, mailboxes };
}

/** The rights in words: `Full Access, Send As (through support-team@contoso.com)`. */
export function rightsWords({ rights, through }: Pick<Access, "rights" | "through">): string {
  const names = rights.map(({ right }) => right).join(", ");
  return through === undefined ? names : `${names} (through ${through})`;
}

/** Every finding with the mailbox and the person it is about. */
export function findingsOf({ mailboxes }: Report): (Finding & { mailbox: string; person?: string })[] {
  return mailboxes.flatMap(({ address, findings, access }) => [
    ...findings.map((finding) => ({ ...finding, mailbox: address })),
    ...access.flatMap(({ person, findings: own }) => own.map((finding) => ({ ...finding, mailbox: address, person }))),
  ]);
}

/** How many people and groups have access. */
export function peopleIn({ mailboxes }: Report): number {
  return new Set(mailboxes.flatMap(({ access }) => access.map(({ id, person }) => id ?? person))).size;
}

/** How often there is what to look at, by code, in the order of the codes. */
export function countsOf(report: Report): { code: string; meaning: string; count: number }[] {
  const findings = findingsOf(report);
  return Object.entries(FINDING_CODES)
    .map(([code, meaning]) => ({ code, meaning, count: findings.filter((one) => one.code === code).length }))
    .filter(({ count }) => count > 0);
}

/** In words who declares the rights of somebody: `Full Access: contoso/prod support-members; Send As: nobody`. */
export function declaredWords({ rights }: Pick<Access, "rights">): string {
  const groups = new Map<string, string[]>();
  for (const { right, declaredBy, isHidden } of rights) {
    const by = declaredBy.join(", ") || (isHidden === true ? "not known" : "nobody");
    groups.set(by, [...(groups.get(by) ?? []), right]);
  }
  return groups.size === 1
    ? ([...groups.keys()][0] ?? "")
    : [...groups].map(([by, names]) => `${names.join(", ")}: ${by}`).join("; ");
}

function wordsOf(right: Right): string {
  return NAMED_RIGHTS.find((one) => one.right === right)?.words ?? right;
}

function mailboxOf(read: ReadMailbox, declared: Declarations, asked: Asked): MailboxAccess {
  const { mailbox, trustees } = read;
  const access = trustees.map(({ trustee, entries }) => accessOf(trustee, entries, mailbox.id, declared, asked));
  return {
    id: mailbox.id,
    address: mailbox.primarySmtpAddress,
    displayName: mailbox.displayName,
    declaredBy: declared.mailbox(mailbox.id),
    unread: read.unread.map(wordsOf),
    access,
    findings: findingsOfMailbox(read, access, declared.isReadByDynamics(mailbox.primarySmtpAddress)),
  };
}

function accessOf(
  trustee: Trustee,
  entries: readonly Entry[],
  mailboxId: string,
  declared: Declarations,
  asked: Asked,
): Access {
  const { declarations, key } = declared.of(mailboxId, trustee);
  const isHidden = declared.isSealed(mailboxId) || declarations.some((one) => one.isHidden);
  const names = [...new Set(entries.flatMap(({ rights }) => rights))].map(rightInWords);
  const order: string[] = NAMED_RIGHTS.map(({ words }) => words);
  const rank = (right: string) => (order.includes(right) ? order.indexOf(right) : order.length);
  const rights = names
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((right): GivenRight => {
      const declaredBy = declarations.filter((one) => one.rights.includes(right)).map(({ by }) => by);
      return { right, declaredBy, ...(isHidden && declaredBy.length === 0 ? { isHidden } : {}) };
    });
  const mapping = declarations.find((one) => one.rights.includes("Full Access"))?.automapping;
  const ends = declarations.map(({ until }) => until);
  const until = ends.includes(undefined) ? undefined : ends.sort().at(-1);
  const access = {
    // An entry of somebody deleted says no more than a SID; the state may know whose it was.
    person: trustee.kind === "deleted" ? (key ?? trustee.name) : trustee.name,
    ...(trustee.id === undefined ? {} : { id: trustee.id }),
    ...(trustee.displayName === undefined ? {} : { displayName: trustee.displayName }),
    kind: trustee.kind,
    rights,
    ...(mapping === undefined ? {} : { automapping: mapping }),
    ...(until === undefined ? {} : { until }),
    ...(trustee.members === undefined ? {} : { memberIds: trustee.members }),
  };
  return { ...access, findings: findingsOfAccess(access, trustee, key, declared.isKnown, asked) };
}

function findingsOfAccess(
  { kind, rights, automapping, until }: Omit<Access, "findings">,
  { isBlocked, members }: Trustee,
  key: string | undefined,
  hasStacks: boolean,
  { day, mostInGroup }: Asked,
): Finding[] {
  const undeclared = rights
    .filter(({ declaredBy, isHidden }) => declaredBy.length === 0 && isHidden !== true)
    .map(({ right }) => right);
  const found: Finding[] = [];
  const note = (code: FindingCode, text: string) => found.push({ code, text });
  if (hasStacks && undeclared.length > 0 && kind !== "deleted") {
    note("undeclared-access", `no stack declares ${undeclared.join(", ")}`);
  }
  if (kind === "deleted") {
    note(
      key === undefined ? "orphan" : "leaver",
      key === undefined ? "the account or group is deleted" : "the account is deleted; a stack still declares it",
    );
  }
  if (isBlocked === true && (kind === "person" || kind === "guest")) {
    note("leaver", "the account is blocked");
  }
  if (kind === "guest") {
    note("guest", "is a guest");
  }
  if (members !== undefined && members.length > mostInGroup) {
    note("large-group", `the group has ${members.length} members`);
  }
  if (isOver(until, day)) {
    note("access-over", `access was to end on ${until}`);
  }
  const canMap =
    kind === "person" && rights.some(({ right, isHidden }) => right === "Full Access" && isHidden !== true);
  if (hasStacks && canMap && automapping === undefined) {
    note("automapping-unknown", "Full Access, and nobody says whether Outlook opens the mailbox");
  }
  return found;
}

function findingsOfMailbox(read: ReadMailbox, access: readonly Access[], isReadByDynamics: boolean): Finding[] {
  const { forwardsTo, isSignInOpen, size, isLicensed, unread } = read;
  const found: Finding[] = [];
  if (forwardsTo?.isOutside === true) {
    found.push({ code: "external-forwarding", text: `mail is forwarded to ${forwardsTo.to}` });
  }
  if (isSignInOpen === true) {
    found.push({ code: "sign-in-open", text: "sign-in to its account is open" });
  }
  // Dynamics reads a collector's mail, and nobody else has to.
  if (
    !isReadByDynamics &&
    unread.length === 0 &&
    access.every(({ kind }) => kind === "deleted" || kind === "unknown")
  ) {
    found.push({ code: "no-members", text: "nobody has access" });
  }
  if (size !== undefined && size >= NEARLY_FULL && isLicensed === false) {
    found.push({ code: "nearly-full", text: `holds ${(size / 1024 ** 3).toFixed(1)} GB without a licence` });
  }
  return found;
}

/** What the given stacks declare. */
class Declarations {
  /** Whether any stack was given. */
  readonly isKnown: boolean;
  readonly notes: string[] = [];
  /** By mailbox, then by what tells a person: object id, SID or text. */
  readonly #people = new Map<string, Map<string, { key: string; declarations: Declaration[] }>>();
  readonly #mailboxes = new Map<string, string[]>();
  readonly #readByDynamics = new Set<string>();
  readonly #sealed = new Set<string>();

  constructor(stacks: readonly Stack[]) {
    this.isKnown = stacks.length > 0;
    for (const stack of stacks) {
      for (const resource of stack.resources) {
        const by = `${stack.name} ${resource.name}`;
        const { service, review } = kindNamed(resource.kind) ?? {};
        if (review?.isMailbox === true) {
          const id = resource.id.toLowerCase();
          this.#mailboxes.set(id, [...(this.#mailboxes.get(id) ?? []), by]);
        } else if (review?.rights !== undefined) {
          this.#membership(resource, by, review.rights);
        } else if (service === "dynamics") {
          this.#readByDynamics.add(String(resource.inputs.emailAddress).toLowerCase());
        }
      }
    }
  }

  /** Whether a forward mailbox or queue of a given stack has the address. */
  isReadByDynamics(address: string): boolean {
    return this.#readByDynamics.has(address);
  }

  /** Whether the members of a given stack on a mailbox are a secret. */
  isSealed(mailboxId: string): boolean {
    return this.#sealed.has(mailboxId.toLowerCase());
  }

  /** The resources that declare a mailbox. */
  mailbox(id: string): string[] {
    return this.#mailboxes.get(id.toLowerCase()) ?? [];
  }

  /** What is declared for somebody, and by which key in `members`. */
  of(mailboxId: string, { id, name }: Trustee): { declarations: Declaration[]; key: string | undefined } {
    const people = this.#people.get(mailboxId.toLowerCase());
    // The state's id decides. Where it has none, the text is what there is.
    const found = people?.get((id ?? "").toLowerCase()) ?? people?.get(name.toLowerCase());
    return { declarations: found?.declarations ?? [], key: found?.key };
  }

  #membership({ id, inputs, outputs }: StackResource, by: string, rightsOf: NonNullable<KindReview["rights"]>): void {
    const { members } = inputs;
    if (members === SECRET) {
      this.#sealed.add(id.toLowerCase());
      this.notes.push(
        `The members of ${by} are a secret of the program, so what it declares is not known. Export with \`pulumi stack export --show-secrets\`, or keep that file away from others.`,
      );
      return;
    }
    const people = this.#people.get(id.toLowerCase()) ?? new Map();
    this.#people.set(id.toLowerCase(), people);
    const ids = mapOf(outputs.memberIds);
    const sids = mapOf(outputs.memberSids);
    const deleted = mapOf(outputs.deletedMembers);
    for (const [key, given] of Object.entries(mapOf(members))) {
      const { automapping, until } = mapOf(given);
      const rights = rightsOf(given);
      const declaration: Declaration = {
        by,
        rights: rights.flatMap(([right, value]) => (value === true ? [right] : [])),
        isHidden: given === SECRET || rights.some(([, value]) => value === SECRET),
        automapping: typeof automapping === "boolean" ? automapping : undefined,
        until: typeof until === "string" ? until : undefined,
      };
      const known = ids[key] ?? deleted[key];
      const own = Array.isArray(sids[key]) ? sids[key].map(String) : [];
      const names = known === undefined ? [key, ...own] : [String(known), ...own];
      const found = names.map((name) => people.get(name.toLowerCase())).find((one) => one !== undefined);
      const entry = found ?? { key, declarations: [] };
      entry.declarations.push(declaration);
      for (const name of names) {
        people.set(name.toLowerCase(), entry);
      }
    }
  }
}
