import type { Properties } from "../core/kind";
import { shortHash } from "../core/kind";
import { Recorder } from "../core/memory";
import { check } from "../dynamic/check";
import { bounds, type Deployment, operationOf } from "../dynamic/deployment";
import { plain } from "../dynamic/wire-values";
import type { Kind } from "../kinds";
import {
  type Desired,
  type MemberRights,
  type MembershipInputs,
  type MembershipOperation,
  NOBODY,
  type Observed,
} from "../kinds/mailbox-membership/desired";
import { readMembers } from "../kinds/mailbox-membership/difference";
import { everybodyOn, mailboxMembership } from "../kinds/mailbox-membership/reconciler";
import { sharedMailbox } from "../kinds/shared-mailbox/reconciler";
import { providerText, typeToken } from "../resources/dynamic-resource";
import type { Mailbox } from "../services/mailboxes";
import type { Entry } from "../services/permissions";
import { type Declared, declaredMailbox, minimal, reasons } from "./shared-mailbox";
import type { ProgramMailbox } from "./write";

/** Where the resources are to be: it stands in the origin that every resource keeps from its birth. */
export interface Place {
  project: string;
  stack: string;
}

/** A resource of a Pulumi import file, with everything the engine keeps of it: it is not read again. */
export interface ImportedResource {
  type: string;
  name: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** What was found in a tenant. */
export interface Survey {
  resources: ImportedResource[];
  mailboxes: ProgramMailbox[];
  /** Sentences about mailboxes that were left out. */
  left: string[];
  /** Patterns that fit no mailbox. */
  unmatched: string[];
}

/**
 * Reads the shared mailboxes of a tenant and who has access to them: one listing, then accounts and permissions in batches.
 * Nothing is changed.
 *
 * The resources carry the outputs and the two hidden inputs that the engine would hold after a refresh. `__origin` is the URN
 * a resource is born with. It is carried forward from the state ever after, so that a project or stack of another name than
 * given here changes nothing in a plan; from it come the texts by which a mailbox, should it ever be created anew, is known as
 * this resource's work.
 *
 * @param patterns primary addresses wanted, `*` for any characters; none means all.
 * @throws ServiceError when something cannot be read: a list that is not whole is not written.
 */
export async function survey(deployment: Deployment, patterns: readonly string[], place: Place): Promise<Survey> {
  const { services } = deployment;
  const operation = <Inputs, Memory>(kind: Kind, name: string, recording: Recorder<Inputs, Memory>) =>
    operationOf(deployment, originAt(place, kind, name), recording);
  const tenantId = await services.tenantId(bounds());
  const all = (await services.mailboxes.shared()).sort((a, b) =>
    a.primarySmtpAddress < b.primarySmtpAddress ? -1 : 1,
  );
  // Over all mailboxes, so that a narrower choice gives the same mailbox no other name.
  const names = namesOf(all.map(({ primarySmtpAddress }) => primarySmtpAddress));
  const wanted = patterns.map(matcher);
  const chosen = all.filter(
    ({ primarySmtpAddress }) => wanted.length === 0 || wanted.some((fits) => fits.test(primarySmtpAddress)),
  );

  const imported = (kind: Kind, name: string, mailbox: Mailbox, inputs: Properties, outputs: Properties) => {
    const hidden = { __provider: providerText(kind), __origin: originAt(place, kind, name) };
    return {
      type: typeToken(kind),
      name,
      id: mailbox.id,
      inputs: plain({ ...inputs, ...hidden }),
      outputs: plain({ ...inputs, ...outputs, tenantId, ...hidden }),
    };
  };
  const found = await Promise.all(
    chosen.map(async (mailbox) => {
      const { name, variable } = names.get(mailbox.primarySmtpAddress) as Names;
      const refused = (reason: string) => ({ refusal: `${mailbox.primarySmtpAddress} is not imported: ${reason}` });
      if (mailbox.isDirSynced) {
        return refused("it is synchronised from on-premises, where it is managed.");
      }
      const user = await services.graph.user(mailbox.id);
      if (user === undefined) {
        return refused("Entra does not show its account.");
      }
      const [declared, membership] = await Promise.all([
        declaredMailbox({ mailbox, user }, operation("SharedMailbox", name, new Recorder(sharedMailbox, {}))),
        declaredMembership(
          mailbox,
          operation("MailboxMembership", membershipName(name), new Recorder(mailboxMembership, {})),
        ),
      ]);
      if ("refusal" in declared) {
        return refused(declared.refusal);
      }
      const hasMembers = membership.members !== undefined;
      const members = membershipName(name);
      return {
        resources: [
          imported("SharedMailbox", name, mailbox, declared.inputs, declared.outputs),
          ...(hasMembers
            ? [imported("MailboxMembership", members, mailbox, membership.inputs, membership.outputs)]
            : []),
        ],
        program: {
          name,
          variable,
          declared: declared.program,
          membership: hasMembers ? { name: members, members: membership.members } : undefined,
          notes: [...declared.notes, ...membership.notes],
        },
      };
    }),
  );
  return {
    resources: found.flatMap((one) => ("resources" in one ? one.resources : [])),
    mailboxes: found.flatMap((one) => ("program" in one ? [one.program] : [])),
    left: found.flatMap((one) => ("refusal" in one ? [one.refusal] : [])),
    unmatched: patterns.filter((_, index) => !chosen.some((one) => wanted[index]?.test(one.primarySmtpAddress))),
  };
}

/** The URN a resource of the stack has that stands at its top. */
function originAt({ project, stack }: Place, kind: Kind, name: string): string {
  return `urn:pulumi:${stack}::${project}::${typeToken(kind)}::${name}`;
}

function matcher(pattern: string): RegExp {
  const parts = pattern.trim().split("*");
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "i");
}

/**
 * Who has access to a mailbox, as a program would declare it. People are found as an exclusive membership finds them on a
 * refresh: by exact address, sign-in name, id or Name, never by the display name of a person; who is meant by two objects is
 * nobody. The mailbox itself is left out of what the program writes, which refers to it by its variable.
 *
 * @returns no `program` when nobody is a member.
 */
async function declaredMembership(
  mailbox: Mailbox,
  operation: MembershipOperation,
): Promise<Omit<Declared, "program"> & { members: unknown }> {
  const id = mailbox.id.toLowerCase();
  const known = everybodyOn(mailbox, operation.known.memory);
  const inputs = { mailbox: id, members: {}, exclusive: true };
  const desired: Desired = { inputs, mailbox, members: new Map(), keep: NOBODY };
  // Asked for in the same moment, the permissions are read once.
  const [found, { entries }] = await Promise.all([
    mailboxMembership.create(desired, { ...operation, known }),
    operation.services.permissions.on(mailbox),
  ]);
  const notes = strangers(entries, found);
  const members = Object.fromEntries(
    Object.entries(readMembers(known, found)).filter(([key, rights]) => {
      const { problems } = check(mailboxMembership, { mailbox: id, members: { [key]: rights } }, undefined);
      notes.push(...(problems.length === 0 ? [] : [`Left out as a member: ${reasons(problems)}.`]));
      return problems.length === 0;
    }),
  );
  const checked = check(mailboxMembership, { mailbox: id, members }, undefined);
  if (checked.problems.length > 0) {
    return {
      members: undefined,
      inputs: {},
      outputs: {},
      notes: [...notes, `No members: ${reasons(checked.problems)}.`],
    };
  }
  const people = new Map([...found.people].filter(([key]) => key in members));
  const declared = { ...known, inputs: checked.inputs as MembershipInputs };
  const outputs = mailboxMembership.outputs(undefined, { ...found, people, strangers: [] }, declared);
  return {
    members: Object.keys(members).length === 0 ? undefined : written(id, members),
    inputs: checked.inputs,
    outputs: mailboxMembership.memory.write(outputs),
    notes,
  };
}

/** A list when everybody has the default rights, else a map that says only what is not the default. */
function written(mailbox: string, members: Record<string, MemberRights>): unknown {
  const shortest = minimal(mailboxMembership, { mailbox }, "members", members) as Record<string, object>;
  const isPlain = Object.values(shortest).every((rights) => Object.keys(rights).length === 0);
  return isPlain ? Object.keys(shortest) : shortest;
}

const WORDS: Readonly<Record<string, string>> = {
  FullAccess: "Full Access",
  SendAs: "Send As",
  SendOnBehalf: "Send on Behalf",
};

/** Sentences about explicit entries of trustees that cannot be members. */
function strangers(entries: readonly Entry[], { others, orphans }: Pick<Observed, "others" | "orphans">): string[] {
  const isOrphan = (trustee: string) => orphans.some((one) => one.trustee === trustee);
  return [...new Set(entries.map(({ trustee }) => trustee))]
    .filter((trustee) => others.includes(trustee) || isOrphan(trustee))
    .sort()
    .map((trustee) => {
      const names = entries.filter((entry) => entry.trustee === trustee).flatMap(({ rights }) => rights);
      const rights = [...new Set(names)].map((name) => WORDS[name] ?? name);
      const why = isOrphan(trustee)
        ? "it belongs to a deleted user or group"
        : "nobody that can be a member is meant by it alone";
      return `${rights.join(" and ")} of ${JSON.stringify(trustee)} is left as it is: ${why}.`;
    });
}

/** What a mailbox is called in a program. */
export interface Names {
  /** Logical name: lower-case letters, digits and hyphens. */
  name: string;
  /** Identifier of its variable. */
  variable: string;
}

/**
 * Words that cannot name a variable of a module: TypeScript's reserved words, and what Node and TypeScript declare in every
 * CommonJS module.
 */
const RESERVED = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export exports extends " +
    "false finally for function if implements import in infinity instanceof interface let module nan new null package private " +
    "protected public require return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/**
 * Names for mailboxes by their primary addresses: the local part; the domain too where several would share a name; a short
 * hash of the address where that is not enough. They depend on the set of addresses alone, not on its order.
 */
export function namesOf(addresses: readonly string[]): Map<string, Names> {
  const levels = new Map(addresses.map((address) => [address, 0]));
  const taken = () => {
    const holders = new Map<string, string[]>();
    for (const [address, level] of levels) {
      const { name, variable } = namesAt(address, level);
      // Memberships are named after their mailbox; the engine tells them apart by type, readers do not.
      for (const key of new Set([name, membershipName(name), variable.toLowerCase()])) {
        holders.set(key, [...(holders.get(key) ?? []), address]);
      }
    }
    return new Set([...holders.values()].filter((sharers) => sharers.length > 1).flat());
  };
  for (let sharers = taken(); ; sharers = taken()) {
    const raised = [...sharers].filter((address) => (levels.get(address) ?? LAST) < LAST);
    if (raised.length === 0) {
      return new Map([...levels].map(([address, level]) => [address, namesAt(address, level)]));
    }
    for (const address of raised) {
      levels.set(address, (levels.get(address) ?? 0) + 1);
    }
  }
}

/** The logical name of the membership of a mailbox. */
export function membershipName(name: string): string {
  return `${name}-members`;
}

const LAST = 2;

function namesAt(address: string, level: number): Names {
  const [local = ""] = address.split("@");
  const name = [
    hyphenated(level === 0 ? local : address) || "mailbox",
    ...(level === LAST ? [shortHash(address)] : []),
  ].join("-");
  return { name, variable: variableOf(name) };
}

function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function variableOf(name: string): string {
  const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return /^\d/.test(camel) ? `mailbox${camel}` : RESERVED.has(camel.toLowerCase()) ? `${camel}Mailbox` : camel;
}
