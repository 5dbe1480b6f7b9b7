import { z } from "zod";
import type { MailboxRow, ServerProfile } from "../../services/dataverse";
import type { InboxRule } from "../../services/inbox-rule";
import type { Recipient } from "../../services/recipients";
import { displayText, flag, smtpAddress } from "../canonical";
import { keyed } from "../keyed";
import { ownerSchema } from "../mailbox-record/owner";
import { adopt, credentials, deletion, environmentUrl, serverProfile, testAndEnable } from "../mailbox-record/schema";
import type { Owner } from "../mailbox-record/values";

/** How a source is written, for messages. */
export const SOURCE = "a mailbox's address or object id, e.g. support@contoso.com";

/** Property path of a source. */
export function pathOf(key: string): string {
  return `sources["${key}"]`;
}

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  name: displayText("the name of the mailbox record, e.g. CRM intake", 200),
  emailAddress: smtpAddress("forwardmailbox@contoso.com", 100),
  owner: ownerSchema.optional(),
  serverProfile: serverProfile.optional(),
  deleteAfterProcessing: flag().optional(),
  credentials: credentials.optional(),
  incomingEmail: z
    .enum(["ServerSideSynchronization", "None"], {
      error:
        'must be "ServerSideSynchronization" or "None": Dynamics accepts no other method for a forward mailbox (0x8005E212)',
    })
    .optional(),
  outgoingEmail: z.enum(["None"], { error: 'must be "None": a forward mailbox cannot send (0x8005E213)' }).optional(),
  appointmentsContactsTasks: z
    .enum(["None"], {
      error: 'must be "None": a forward mailbox is nobody\'s, so there is nobody to synchronise them for',
    })
    .optional(),
  approveEmail: flag().optional(),
  testAndEnable: testAndEnable.optional(),
  sources: keyed(SOURCE, z.strictObject({}, { error: "must be {}" })).optional(),
  environmentUrl: environmentUrl.optional(),
  adopt: adopt.optional(),
  deletion: deletion.optional(),
});

/** Canonical inputs. */
export type ForwardingInputs = z.output<typeof schema>;

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: ForwardingInputs;
  /** The declared server profile, or the default one where one was declared before; undefined where it is left alone. */
  profile: ServerProfile | undefined;
  /** The declared owner, or the default one where one was declared before; undefined where it is left alone. */
  owner: Owner | undefined;
  sources: Map<string, Recipient>;
}

/** What feeds the collecting mailbox from one source. */
export interface ObservedSource {
  recipient: Recipient;
  /** Whether the application may not read its rules, so that nothing is known of ours; only in a refresh. */
  isUnread?: true;
  /** The inbox rule of ours, if it is there. */
  rule: InboxRule | undefined;
  /** What somebody changed on it, in words; undefined when it does what it should. */
  damage: string | undefined;
  /** Further rules of ours, or of the same name, that do the same: each forwards every message once more. */
  copies: InboxRule[];
  /** Rules that stop those behind them and come before ours, or would come before a new one. */
  stoppers: InboxRule[];
  /** Whether this operation has placed the rule: where it stands then is where it can be put. */
  isPlaced: boolean;
  /** The records of Dynamics users and queues with an address of the source, and those that had one when they were set. */
  records: MailboxRow[];
  /** Names of other forward mailboxes that collect here. */
  collects: string[];
  /** Whether a rule that this resource did not make feeds a forward mailbox from here. */
  isFedByOthers: boolean;
}

/** The mailbox record and its sources. */
export interface Observed {
  id: string;
  /** Undefined when somebody deleted it in Dynamics, and rules or records of its sources are still as they were set for it. */
  row: MailboxRow | undefined;
  organizationId: string;
  /** The row's server profile. */
  profile: ServerProfile | undefined;
  sources: Map<string, ObservedSource>;
  /** Ids of sources whose rule another resource of this deployment declares; it is not taken away. */
  keptIds: Set<string>;
  /** That the record was somebody else's: what it overwrites is said. */
  isAdopted?: true;
}
