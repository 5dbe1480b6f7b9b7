import { z } from "zod";
import type { MailboxRow } from "../../services/dataverse";
import type { InboxRule } from "../../services/graph";
import type { Recipient } from "../../services/recipients";
import { displayText, flag, smtpAddress } from "../canonical";
import { keyed } from "../keyed";

/** How a source is written, for messages. */
export const SOURCE = "a mailbox's address or object id, e.g. support@contoso.com";

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  name: displayText("the name of the mailbox record, e.g. CRM intake", 200),
  emailAddress: smtpAddress("forwardmailbox@contoso.com", 100),
  serverProfile: displayText(
    "the name or id of an e-mail server profile, e.g. Microsoft Exchange Online",
    100,
  ).optional(),
  deleteAfterProcessing: flag().optional(),
  incomingEmail: z
    .enum(["ServerSideSynchronization", "None"], {
      error:
        'must be "ServerSideSynchronization" or "None": Dynamics accepts no other method for a forward mailbox (0x8005E212)',
    })
    .optional(),
  approveEmail: flag().optional(),
  testAndEnable: z
    .union([z.boolean(), z.string(), z.strictObject({ require: z.boolean() })], {
      error: "must be true, false, a text whose change runs the test again, or { require: true }",
    })
    .optional(),
  sources: keyed(SOURCE, z.strictObject({}, { error: "must be {}" })).optional(),
});

/** Canonical inputs. */
export type ForwardingInputs = z.output<typeof schema>;

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: ForwardingInputs;
  /** Id of the server profile; undefined where none is declared and the record exists already. */
  serverProfileId: string | undefined;
  sources: Map<string, Recipient>;
}

/** What feeds the collecting mailbox from one source. */
export interface ObservedSource {
  recipient: Recipient;
  /** The inbox rule of ours, if it is there. */
  rule: InboxRule | undefined;
  /** What somebody changed on it, in words; undefined when it does what it should. */
  damage: string | undefined;
  /** The records of Dynamics users and queues with this address. */
  records: MailboxRow[];
  /** Names of earlier rules that stop the ones behind them. */
  stoppers: string[];
}

/** The mailbox record and its sources. */
export interface Observed {
  row: MailboxRow;
  organizationId: string;
  /** Name of the row's server profile. */
  serverProfileName: string | undefined;
  sources: Map<string, ObservedSource>;
  /** Ids of sources whose rule another resource of this deployment declares; it is not taken away. */
  keptIds: Set<string>;
}
