import { z } from "zod";
import { displayText, flag, smtpAddress, whyNotIdentifier } from "../../core/canonical";
import type { Known, Operation } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { InputError } from "../../http/errors";
import {
  type IncomingMethod,
  incomingMethods,
  type MailboxRow,
  outgoingMethods,
  type ServerProfile,
} from "../../services/dataverse";
import { isGuid } from "../../services/text";
import { decidedElsewhere } from "../mailbox-record/conflicts";
import {
  commandsGiven,
  credentials,
  environmentUrl,
  serverProfile,
  shownOfRecord,
  testAndEnable,
} from "../mailbox-record/schema";
import { serverProfileOf } from "../mailbox-record/server-profile";
import { type UserOrQueue, userOrQueue } from "../mailbox-record/user-or-queue";
import type { RecordValues } from "../mailbox-record/values";
import { PROPERTIES } from "./former-values";

const USER = "a Dynamics user's address, sign-in name or id, e.g. ada@contoso.com";

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  user: z
    .string({ error: `must be text: ${USER}` })
    .transform((value) => value.trim().toLowerCase())
    .superRefine((value, context) => {
      const reason = whyNotIdentifier(value, USER);
      if (reason !== undefined) {
        context.addIssue({ code: "custom", message: reason });
      }
    })
    .optional(),
  queue: displayText("a queue's id, address or name", 200)
    .transform((value) => (value.includes("@") || isGuid(value) ? value.toLowerCase() : value))
    .optional(),
  emailAddress: smtpAddress("ada@contoso.com", 100).optional(),
  serverProfile: serverProfile.optional(),
  incomingEmail: z.enum(incomingMethods, { error: `must be one of ${incomingMethods.join(", ")}` }).optional(),
  outgoingEmail: z.enum(outgoingMethods, { error: `must be one of ${outgoingMethods.join(", ")}` }).optional(),
  appointmentsContactsTasks: z
    .enum(outgoingMethods, { error: `must be one of ${outgoingMethods.join(", ")}` })
    .optional(),
  deleteAfterProcessing: flag().optional(),
  credentials: credentials.optional(),
  approveEmail: flag().optional(),
  testAndEnable: testAndEnable.optional(),
  environmentUrl: environmentUrl.optional(),
});

/** Canonical inputs. */
export type IndividualInputs = z.output<typeof schema>;

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
export async function observeAround(
  row: MailboxRow,
  program: { user?: unknown; queue?: unknown },
  operation: IndividualOperation,
): Promise<Observed> {
  const { dataverse } = operation.services;
  const kind = (program.user ?? undefined) === undefined ? "queue" : "user";
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
    elsewhere: decidedElsewhere(row.id, PROPERTIES, operation),
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
