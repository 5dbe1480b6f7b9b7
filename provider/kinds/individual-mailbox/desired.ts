import { z } from "zod";
import { displayText, flag, smtpAddress, whyNotIdentifier } from "../../core/canonical";
import type { Operation, Properties } from "../../core/kind";
import { InputError } from "../../http/errors";
import { incomingMethods, type MailboxRow, outgoingMethods, type ServerProfile } from "../../services/dataverse";
import { isGuid } from "../../services/text";
import { decidedElsewhere } from "../mailbox-record/conflicts";
import { type Behind, lookBehind } from "../mailbox-record/record-owner";
import { credentials, environmentUrl, serverProfile, testAndEnable } from "../mailbox-record/schema";
import { serverProfileOf } from "../mailbox-record/server-profile";
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

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: IndividualInputs;
  behind: Behind;
  profile: ServerProfile | undefined;
}

/** The mailbox record and whose it is. */
export interface Observed {
  row: MailboxRow;
  behind: Behind;
  /** The enabled user with the address of a disabled one: somebody who came back has a new row. */
  successor?: { id: string; name: string } | undefined;
  organizationId: string;
  /** The row's server profile. */
  profile: ServerProfile | undefined;
  /** Properties that another resource of this deployment decides. */
  elsewhere: readonly string[];
  /** That it was not this resource's before: what it overwrites is said. */
  isAdopted?: true;
}

/**
 * The record and whose it is.
 *
 * @param program the inputs, or the state, which say whether it is a user's record or a queue's.
 */
export async function around(row: MailboxRow, program: Properties, operation: Operation): Promise<Observed> {
  const { dataverse } = operation.services;
  const kind = (program.user ?? undefined) === undefined ? "queue" : "user";
  const [organizationId, profile, behind] = await Promise.all([
    dataverse.organizationId(operation),
    serverProfileOf(row, operation),
    row.regarding === undefined ? undefined : lookBehind({ kind, id: row.regarding }, operation),
  ]);
  if (behind === undefined) {
    throw new InputError([{ path: kind, reason: `the mailbox record ${row.id} is not that of a ${kind}` }]);
  }
  const successor = behind.isDisabled === true ? await successorOf(behind, operation) : undefined;
  return {
    row,
    behind,
    successor,
    organizationId,
    profile,
    elsewhere: decidedElsewhere(row.id, PROPERTIES, operation),
  };
}

async function successorOf(
  { id, address }: Behind,
  { services, ...operation }: Operation,
): Promise<Observed["successor"]> {
  const found = address === undefined ? [] : await services.principals.users(address, operation);
  return found.find((one) => !one.isDisabled && one.id !== id);
}

/** Whose record it is, in words, as far as the state says. */
export function whoIs({ user, queue, id }: Properties): string {
  return String(user ?? queue ?? id);
}
