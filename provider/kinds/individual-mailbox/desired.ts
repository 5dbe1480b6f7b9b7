import { z } from "zod";
import { displayText, identifier } from "../../core/canonical";
import { absent, type Known, type Operation, type Unfit, unfit } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { isSet, tableOf } from "../../core/properties";
import { InputError } from "../../http/errors";
import { isGuid } from "../../http/json";
import type { IncomingMethod, MailboxRow, ServerProfile } from "../../services/dataverse";
import { listed } from "../../services/principals";
import { decidedElsewhere } from "../mailbox-record/claims";
import {
  columns,
  commandsGiven,
  inColumn,
  inputsOfRecord,
  type RecordValues,
  type Seen,
  serverProfileOf,
  shownOfRecord,
} from "../mailbox-record/properties";
import { recordOf, type UserOrQueue, userOrQueue, usersOrQueuesNamed } from "../mailbox-record/writes";

const USER = "a Dynamics user's address, sign-in name or id, e.g. ada@contoso.com";

/** What leaves the program goes back to what it was before it was declared; what is not known of that stays. */
const FORMER = { removal: { back: undefined } } as const;

/** The properties that are the record's. */
export const properties = tableOf<Seen<MailboxRow>>()({
  emailAddress: { ...columns.emailAddress, ...FORMER },
  serverProfile: { ...columns.serverProfile, ...FORMER },
  incomingEmail: { ...inColumn("incomingEmail"), ...FORMER },
  outgoingEmail: { ...inColumn("outgoingEmail"), ...FORMER },
  appointmentsContactsTasks: { ...inColumn("appointmentsContactsTasks"), ...FORMER },
  deleteAfterProcessing: { ...inColumn("deleteAfterProcessing"), ...FORMER },
  credentials: { ...columns.credentials, ...FORMER },
});

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  user: identifier(USER).optional(),
  queue: displayText("a queue's id, address or name", 200)
    .transform((value) => (value.includes("@") || isGuid(value) ? value.toLowerCase() : value))
    .optional(),
  ...properties.shape,
  ...inputsOfRecord,
});

/** Canonical inputs. */
export type IndividualInputs = z.output<typeof schema>;

/** One of them. */
export type Property = (typeof properties.names)[number];

/** What the mailbox record of a user or queue is remembered by. */
export const memory = remembering(
  {
    ...shownOfRecord,
    /** Id of the user or queue. */
    regarding: z.string(),
    knownAs: z.array(z.string()),
  },
  {
    ...commandsGiven,
    /** What properties were before they were declared; missing where that was never known, as after an import. */
    former: z.custom<RecordValues>((value) => typeof value === "object" && value !== null),
    /** What this resource gave the record last; of credentials the user name. */
    given: z.record(z.string(), z.unknown()),
    /** What it gave before, while an answer may have been lost. */
    givenBefore: z.record(z.string(), z.array(z.unknown())),
  },
);

/** What is remembered of a record between deployments. */
export type Memory = MemoryOf<typeof memory>;
/** What is known of a record before the tenant is asked. */
export type KnownIndividual = Known<IndividualInputs, Memory>;
/** An operation on the record of a user or queue. */
export type IndividualOperation = Operation<IndividualInputs, Memory>;

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: IndividualInputs;
  /** The user or queue. */
  owner: UserOrQueue;
  /** The declared server profile. */
  profile: ServerProfile | undefined;
}

/** The mailbox record and whose it is. */
export interface Observed {
  row: MailboxRow;
  /** The user or queue. */
  owner: UserOrQueue;
  /** The enabled user with the address of a disabled one: somebody who came back has a new row. */
  successor?: { id: string; name: string } | undefined;
  organizationId: string;
  /** The row's server profile. */
  profile: ServerProfile | undefined;
  /** Properties that another resource of this deployment decides. */
  elsewhere: readonly string[];
  /** What the incoming method was before a forward mailbox of this deployment set it, where that one knows. */
  formerMethod: IncomingMethod | undefined;
  /** That the resource is new: it begins to remember what the record was before. */
  isCreation?: true;
}

/**
 * The record and whose it is.
 *
 * @param program the inputs, or the state, which say whether it is a user's record or a queue's.
 */
export async function observeRecord(
  row: MailboxRow,
  program: { user?: unknown; queue?: unknown },
  operation: IndividualOperation,
): Promise<Observed> {
  const { dataverse } = operation.services;
  const kind = isSet(program.user) ? "user" : "queue";
  const [organizationId, profile, owner] = await Promise.all([
    dataverse.organizationId(operation),
    serverProfileOf(row, operation),
    row.regarding === undefined ? undefined : userOrQueue({ kind, id: row.regarding }, operation),
  ]);
  if (owner === undefined) {
    throw new InputError([{ path: kind, reason: `the mailbox record ${row.id} is not that of a ${kind}` }]);
  }
  const successor = owner.isDisabled === true ? await successorOf(owner, operation) : undefined;
  return {
    row,
    owner,
    successor,
    organizationId,
    profile,
    elsewhere: decidedElsewhere(row.id, properties.names, operation),
    formerMethod: operation.registry.formerMethods.get(row.id),
  };
}

async function successorOf(
  { id, address }: UserOrQueue,
  { services, ...operation }: IndividualOperation,
): Promise<Observed["successor"]> {
  const found = address === undefined ? [] : await services.principals.users(address, operation);
  return found.find((one) => !one.isDisabled && one.id !== id);
}

/** Whose record it is, in words, as far as the state says. */
export function whoIs({ id, inputs: { user, queue } }: KnownIndividual): string {
  return String(user ?? queue ?? id);
}

/** The user or queue whose record is meant; one that the state knows by its id keeps meaning that one. */
export async function ownerNamed(
  { user, queue }: IndividualInputs,
  operation: IndividualOperation,
): Promise<UserOrQueue> {
  const { regarding } = operation.known.memory;
  const kind = user === undefined ? "queue" : "user";
  const name = user ?? queue ?? "";
  if (regarding !== undefined) {
    const known = await userOrQueue({ kind, id: regarding }, operation);
    if (known !== undefined) {
      return known;
    }
  }
  const found = await usersOrQueuesNamed(kind, name, operation);
  const [only, second] = found;
  if (only === undefined) {
    throw new InputError([{ path: kind, reason: `no ${kind} of the Dynamics environment is known as ${name}` }]);
  }
  if (second !== undefined) {
    throw new InputError([{ path: kind, reason: `${name} is ambiguous: it means ${listed(found)}; write the id` }]);
  }
  return only;
}

/** All ways to write the user or queue that are known to mean it, the one of the program among them. */
export function knownAs(
  { knownAs: names }: UserOrQueue,
  { user, queue }: { user?: string | null | undefined; queue?: string | null | undefined },
): string[] {
  const written = [user, queue].filter((name) => typeof name === "string");
  return [...new Set([...names, ...written].map((name) => name.toLowerCase()))].sort();
}

/** The one mailbox record that a program refers to, by its own id or by whose it is, and the user or queue behind it. */
export async function recordAsked(
  asked: string,
  operation: IndividualOperation,
): Promise<{ row: MailboxRow; owner: UserOrQueue } | Unfit> {
  const { dataverse } = operation.services;
  const byId = isGuid(asked) ? await dataverse.mailbox(asked, operation) : undefined;
  if (byId !== undefined) {
    return ownerOf(byId, operation);
  }
  const kinds = ["user", "queue"] as const;
  const found = (await Promise.all(kinds.map((kind) => usersOrQueuesNamed(kind, asked, operation)))).flat();
  const [only, second] = found;
  if (only === undefined) {
    const [other] = await dataverse.mailboxesWithAddress(asked.toLowerCase(), operation);
    return other?.isForwardMailbox === true
      ? unfit(forwardMailbox(other))
      : absent("no mailbox record of the Dynamics environment has this id, and no user or queue is known as this");
  }
  if (second !== undefined) {
    const all = found.map(({ kind, name, id, isDisabled }) => {
      return `the ${kind} ${name} (${id}${isDisabled === true ? ", disabled" : ""})`;
    });
    return unfit(`it means ${all.join(" or ")}; write the id`);
  }
  const row = await recordOf(only, operation);
  return row === undefined
    ? absent(`Dynamics has made no mailbox record for the ${only.kind} ${only.name}`)
    : { row, owner: only };
}

async function ownerOf(
  row: MailboxRow,
  operation: IndividualOperation,
): Promise<{ row: MailboxRow; owner: UserOrQueue } | Unfit> {
  if (row.isForwardMailbox) {
    return unfit(forwardMailbox(row));
  }
  const { regarding } = row;
  const owner =
    regarding === undefined
      ? undefined
      : ((await userOrQueue({ kind: "user", id: regarding }, operation)) ??
        (await userOrQueue({ kind: "queue", id: regarding }, operation)));
  return owner === undefined
    ? unfit(`the mailbox record ${row.name} belongs to no user or queue that the application can read`)
    : { row, owner };
}

function forwardMailbox({ name }: MailboxRow): string {
  return `it is the forward mailbox ${name}; ForwardingMailbox.get reads it`;
}
