/**
 * Mocks for unit tests of programs (`pulumi.runtime.setMocks`). They check inputs as a preview does, and answer with what a deployment
 * would: defaults, members in canonical form, ids. No tenant, no engine, no request.
 */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import type { Properties } from "./core/kind";
import { check } from "./dynamic/check";
import { type AnyReconciler, type Kind, kinds } from "./kinds";
import { typeToken } from "./resources/dynamic-resource";

/** The Entra tenant and the Dataverse organisation that every mocked resource is in. */
const TENANT_ID = "7e57ab1e-a000-4000-8000-000000000001";
const ORGANIZATION_ID = "7e57ab1e-d000-4000-8000-000000000001";

/** A kind of resource under mocks: what a deployment would add to its inputs. */
interface Mocked {
  /** The physical id, from the checked inputs and the resource's name. */
  id: (inputs: Properties, name: string) => string;
  outputs: (inputs: Properties, id: string) => Properties;
  /** Inputs that a mocked `get` answers with: of an object that somebody else made, with the address or id that was asked for. */
  read: (asked: string) => Properties;
}

const MOCKED: Record<Kind, Mocked> = {
  SharedMailbox: {
    id: ({ primarySmtpAddress }) => idOf(primarySmtpAddress),
    outputs: ({ primarySmtpAddress, alias, emailAliases, signInBlocked }, id) => ({
      userPrincipalName: primarySmtpAddress,
      mailNickname: alias ?? String(primarySmtpAddress).split("@")[0],
      exchangeGuid: idOf(`${id} in Exchange`),
      addresses: [
        `SMTP:${primarySmtpAddress}`,
        ...((emailAliases ?? []) as string[]).map((address) => `smtp:${address}`),
      ].sort(),
      recipientTypeDetails: "SharedMailbox",
      accountEnabled: signInBlocked === false,
      createdAt: "2026-01-01T00:00:00.000Z",
      created: true,
      holds: [],
      size: 0,
      itemCount: 0,
    }),
    read: (asked) => ({ displayName: asked, primarySmtpAddress: addressIn(asked), signInBlocked: true }),
  },
  MailboxMembership: {
    id: ({ mailbox }) => idOf(mailbox),
    outputs: ({ mailbox, members }, id) => ({
      mailboxId: id,
      mailboxAddresses: String(mailbox).includes("@") ? [mailbox] : [],
      memberIds: idsOf(members),
      otherMembers: [],
    }),
    read: (asked) => ({ mailbox: idOf(asked), members: {}, exclusive: false, orphans: "keep" }),
  },
  ForwardingMailbox: {
    id: (_inputs, name) => idOf(`forward mailbox ${name}`),
    outputs: ({ sources }) => ({
      ...record({ incomingEmailStatus: "Success" }),
      isForwardMailbox: true,
      ownerId: idOf("the owner"),
      sourceIds: idsOf(sources),
      sourceRules: idsOf(sources),
    }),
    read: (asked) => ({ name: asked, emailAddress: addressIn(asked) }),
  },
  IndividualMailbox: {
    id: ({ user, queue: name }) => idOf(`mailbox record of ${user ?? name}`),
    outputs: ({ user, queue: name }) => ({
      ...record({}),
      regarding: idOf(user ?? name),
      knownAs: [String(user ?? name).toLowerCase()],
    }),
    read: (asked) => ({ user: addressIn(asked), emailAddress: addressIn(asked) }),
  },
  Queue: {
    id: (_inputs, name) => idOf(`queue ${name}`),
    outputs: (_inputs, id) => ({
      ...record({}),
      regarding: id,
      mailboxId: idOf(`mailbox record of ${id}`),
      ownerId: idOf("the owner"),
    }),
    read: (asked) => ({ name: asked, emailAddress: addressIn(asked) }),
  },
};

/**
 * Mocks for `pulumi.runtime.setMocks`, for jest, vitest and node:test alike.
 *
 * A resource of this package answers with its checked inputs and the outputs that a first deployment would have; one that is read
 * (`SharedMailbox.get`) with the address that was asked for. The same program gets the same ids each time. A wrong input fails the resource with the messages of a preview: `members["ada"]: looks like a
 * display name …`.
 *
 * @param others mocks of all other resources and of functions. Default: a resource answers with its inputs and the id `<name>-id`, a
 *   function with its arguments.
 *
 * @example
 * await pulumi.runtime.setMocks(mailboxMocks());
 * const { support } = await import("./index");
 */
export function mailboxMocks(others: Partial<pulumi.runtime.Mocks> = {}): pulumi.runtime.Mocks {
  return {
    newResource(args) {
      const kind = kindOf(args.type);
      if (kind === undefined) {
        return others.newResource?.(args) ?? { id: args.id || `${args.name}-id`, state: args.inputs };
      }
      const { id, outputs } = MOCKED[kind];
      if (Array.isArray(args.inputs.__get)) {
        return read(kind, args.id ?? "", args.inputs.__get as string[]);
      }
      const inputs = checked(kind, args.name, visible(args.inputs));
      const own = args.id || id(inputs, args.name);
      return { id: own, state: { ...inputs, ...outputs(inputs, own), tenantId: TENANT_ID } };
    },
    call: (args) => others.call?.(args) ?? args.inputs,
  };
}

/** What a `get` answers with: every output of the class, null where a mailbox need not have it. */
function read(kind: Kind, asked: string, wanted: readonly string[]): pulumi.runtime.MockResourceResult {
  if (asked.trim() === "") {
    throw new Error(`${kind}.get: it was not told what to read; the id or address is empty.`);
  }
  const id = idOf(asked.trim());
  const inputs = MOCKED[kind].read(asked.trim());
  const all: Properties = { ...inputs, ...MOCKED[kind].outputs(inputs, id), tenantId: TENANT_ID };
  const state = Object.fromEntries(wanted.map((name) => [name, all[name] ?? null]));
  return { id, state: { ...state, ...(kind === "SharedMailbox" ? { created: false } : {}), __id: id } };
}

/** The address that was asked for; one made up for an id or name. */
function addressIn(asked: string): string {
  return asked.includes("@") ? asked.toLowerCase() : `${idOf(asked).slice(0, 8)}@contoso.com`;
}

function checked(kind: Kind, name: string, news: Properties): Properties {
  const { inputs, problems } = check(kinds[kind] as AnyReconciler, news, undefined);
  if (problems.length > 0) {
    const list = problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
    throw new Error(`${kind} "${name}":\n${list}`);
  }
  return inputs;
}

function kindOf(type: string): Kind | undefined {
  return (Object.keys(MOCKED) as Kind[]).find((kind) => typeToken(kind) === type);
}

/** The inputs of the program: without what the class adds, and without the outputs that are named as undefined. */
function visible(inputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(inputs).filter(([property, value]) => !property.startsWith("__") && value !== undefined),
  );
}

function record(statuses: Properties): Properties {
  return {
    isForwardMailbox: false,
    incomingEmailStatus: "NotRun",
    outgoingEmailStatus: "NotRun",
    appointmentsContactsTasksStatus: "NotRun",
    emailApproval: "Approved",
    serverProfileId: idOf("Microsoft Exchange Online"),
    organizationId: ORGANIZATION_ID,
    ...statuses,
  };
}

/** Ids of the people or mailboxes that a map names. */
function idsOf(map: unknown): Record<string, string> {
  return Object.fromEntries(Object.keys((map ?? {}) as object).map((key) => [key, idOf(key)]));
}

/** The id of what a text names: itself where it is one, else always the same one for the same text. */
function idOf(text: unknown): string {
  const name = String(text).toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)) {
    return name;
  }
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
