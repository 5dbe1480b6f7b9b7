import { z } from "zod";
import type { MailboxRow, ServerProfile } from "../../services/dataverse";
import { emailFilters, type QueueRow } from "../../services/queues";
import { displayText, flag, smtpAddress } from "../canonical";
import { ownerSchema } from "../mailbox-record/owner";
import { adopt, deletion, environmentUrl, serverProfile, testAndEnable } from "../mailbox-record/schema";
import type { Owner } from "../mailbox-record/values";

/** A queue's methods: there is nobody whose Outlook could do it. */
const INCOMING = ["None", "ServerSideSynchronization", "ForwardMailbox"] as const;
const OUTGOING = ["None", "ServerSideSynchronization"] as const;

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  name: displayText("the name of the queue, e.g. Support", 200),
  emailAddress: smtpAddress("support@contoso.com", 100),
  owner: ownerSchema.optional(),
  serverProfile: serverProfile.optional(),
  incomingEmail: z.enum(INCOMING, { error: `must be one of ${INCOMING.join(", ")}` }).optional(),
  outgoingEmail: z.enum(OUTGOING, { error: `must be one of ${OUTGOING.join(", ")}` }).optional(),
  emailFiltering: z.enum(emailFilters, { error: `must be one of ${emailFilters.join(", ")}` }).optional(),
  approveEmail: flag().optional(),
  testAndEnable: testAndEnable.optional(),
  environmentUrl: environmentUrl.optional(),
  adopt: adopt.optional(),
  deletion: deletion.optional(),
});

/** Canonical inputs. */
export type QueueInputs = z.output<typeof schema>;

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: QueueInputs;
  /** The declared server profile, or the default one where one was declared before; undefined where it is left alone. */
  profile: ServerProfile | undefined;
  /** The declared owner, or the default one where one was declared before; undefined where it is left alone. */
  owner: Owner | undefined;
}

/** The queue and the mailbox record that Dynamics made for it. */
export interface Observed {
  queue: QueueRow;
  /** Undefined while Dynamics has not made it. */
  row: MailboxRow | undefined;
  organizationId: string;
  /** The record's server profile. */
  profile: ServerProfile | undefined;
  /** Properties that another resource of this deployment decides. */
  elsewhere: readonly string[];
  /** That the queue was somebody else's: what it overwrites is said. */
  isAdopted?: true;
}
