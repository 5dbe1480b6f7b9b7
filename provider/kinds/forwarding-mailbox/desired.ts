import { z } from "zod";
import { keyed, smtpAddress } from "../../core/canonical";
import type { Flow } from "../../core/claims";
import type { Known, Operation, Origin, Problem } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { tableOf } from "../../core/properties";
import type { Registry } from "../../core/registry";
import { type IncomingMethod, incomingMethods, type MailboxRow, type ServerProfile } from "../../services/dataverse";
import type { InboxRule } from "../../services/inbox-rules";
import { smtpAddresses } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import type { WayOn } from "../mailbox-record/claims";
import {
  columns,
  commandsGiven,
  type DeclaredOwner,
  inColumn,
  inputsOfRow,
  type LookedUp,
  type RecordValues,
  type Seen,
  shownOfRecord,
  valuesOf,
} from "../mailbox-record/properties";

/** How a source is written, for messages. */
export const SOURCE = "a mailbox's address or object id, e.g. support@contoso.com";

/** Property path of a source. */
export function pathOf(key: string): string {
  return `sources["${key}"]`;
}

/** The properties that are the record's. What was declared and is not any more goes back to the default; the rest stays as it is. */
export const properties = tableOf<Seen<MailboxRow>>()({
  name: { ...columns.name, removal: "keep" },
  emailAddress: { ...columns.emailAddress, schema: smtpAddress("forwardmailbox@contoso.com", 100), removal: "keep" },
  owner: { ...columns.owner, removal: { back: undefined } },
  serverProfile: { ...columns.serverProfile, removal: { back: undefined } },
  deleteAfterProcessing: { ...inColumn("deleteAfterProcessing"), removal: { to: false } },
  credentials: { ...columns.credentials, removal: { to: null } },
  incomingEmail: {
    ...inColumn("incomingEmail"),
    schema: z
      .enum(["ServerSideSynchronization", "None"], {
        error:
          'must be "ServerSideSynchronization" or "None": Dynamics accepts no other method for a forward mailbox (0x8005E212)',
      })
      .optional(),
    removal: { to: "ServerSideSynchronization" },
  },
  outgoingEmail: {
    ...inColumn("outgoingEmail"),
    schema: z.enum(["None"], { error: 'must be "None": a forward mailbox cannot send (0x8005E213)' }).optional(),
    removal: { to: "None" },
  },
  appointmentsContactsTasks: {
    ...inColumn("appointmentsContactsTasks"),
    schema: z
      .enum(["None"], {
        error: 'must be "None": a forward mailbox belongs to no user, so there is nothing to synchronise',
      })
      .optional(),
    removal: { to: "None" },
  },
});

const { adopt, deletion, environmentUrl, ...commands } = inputsOfRow;

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  ...properties.shape,
  ...commands,
  sources: keyed(SOURCE, z.strictObject({}, { error: "must be {}" })).optional(),
  environmentUrl,
  adopt,
  deletion,
});

/** Canonical inputs. */
export type ForwardingInputs = z.output<typeof schema>;

/** What a forward mailbox is remembered by. Maps are by the keys of `sources`. */
export const memory = remembering(
  {
    ...shownOfRecord,
    ownerId: z.string(),
    sourceRules: z.record(z.string(), z.string()),
    sourceIds: z.record(z.string(), z.string()),
  },
  {
    ...commandsGiven,
    /** Whether this resource made the record. */
    created: z.boolean(),
    /** Ids of the mailbox records of each source. */
    sourceRecords: z.record(z.string(), z.array(z.string())),
    /**
     * What records of sources were before they were set to Forward Mailbox, by id. Null: somebody else had set it already, and what it
     * was before that is not known here, or not yet.
     */
    formerMethods: z.record(z.string(), z.enum(incomingMethods).nullable()),
    /**
     * Sources that left while they had no mailbox, and may get it back with their rule: object ids by the keys that they had in `sources`.
     */
    absentSources: z.record(z.string(), z.string()),
    /** What the rules were named after and forward to, of a record that somebody deleted. */
    gone: z.object({ name: z.string(), emailAddress: z.string() }),
  },
);

/** What is remembered of a forward mailbox between deployments. */
export type Memory = MemoryOf<typeof memory>;
/** What is known of a forward mailbox before the tenant is asked. */
export type KnownForwarding = Known<ForwardingInputs, Memory>;
/** An operation on a forward mailbox. */
export type ForwardingOperation = Operation<ForwardingInputs, Memory>;

/** The inputs with what they name looked up. */
export interface Desired extends LookedUp<ForwardingInputs> {
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
  /** Whether this deployment has placed the rule: where it stands then is where it can be put. */
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
  /** Sources without a mailbox that may get it back with their rule: object ids by key. */
  absent: Readonly<Record<string, string>>;
  /** The owner as a program would declare it; only in a refresh, and where one is declared. */
  owner?: DeclaredOwner | null | undefined;
  /** Former methods of the known records, as other resources of this deployment know them. */
  methodsElsewhere: Readonly<Record<string, IncomingMethod>>;
}

/** A record that was there before this resource is created. */
export interface Existing extends Observed {
  row: MailboxRow;
  /** How the creation goes on with it. */
  way: WayOn;
  /** Other records that have its address. */
  namesakes: readonly MailboxRow[];
}

/** The record as declared. */
export function valuesFor(desired: Desired, { inputs: held }: KnownForwarding): RecordValues {
  const { credentials } = desired.inputs;
  // A refresh that found none used leaves null behind, and others may still be stored.
  const inputs = {
    ...desired.inputs,
    credentials: credentials ?? ("credentials" in held ? false : undefined),
  } as const;
  return valuesOf(properties, { ...desired, inputs }, held);
}

/** All of a new record: also what is not declared is written, because what Dynamics fills in depends on the organisation. */
export function birthValues(desired: Desired, serverProfile: string | undefined): RecordValues {
  const { credentials, ...declared } = valuesOf(properties, desired, {});
  return { ...properties.defaults, ...declared, serverProfile, credentials: credentials ?? undefined };
}

/** The server profile that the record will have: the declared one, none where that is declared, else the one it has. */
export function profileWanted(
  { inputs, profile }: Desired,
  observed: { profile: ServerProfile | undefined },
): ServerProfile | undefined {
  return inputs.serverProfile === false ? undefined : (profile ?? observed.profile);
}

/**
 * Notes in the registry which mailboxes are collected from, and that their mail goes on to the collecting one.
 *
 * @param found the sources as they were looked up, where they were: then other ways to write a mailbox count as well.
 * @returns sources through which mail would go round: what is collected goes on, by forwarding or by the rules of other forward mailboxes
 * of the program, and comes back to the source.
 */
export function noteSources(
  { emailAddress, sources }: Partial<ForwardingInputs>,
  origin: Origin,
  registry: Registry,
  found: ReadonlyMap<string, Recipient> = new Map(),
): Problem[] {
  if (emailAddress === undefined) {
    return [];
  }
  const flows = Object.keys(sources ?? {}).map((key): Flow => {
    const recipient = found.get(key);
    const names = recipient === undefined ? [key] : [key, recipient.id, ...smtpAddresses(recipient)];
    return { path: pathOf(key), from: names, to: [emailAddress], isByRule: true };
  });
  registry.feed(
    origin,
    flows.flatMap(({ from }) => from),
  );
  return registry.mailFlow.note(origin, { flows }, "Take this source out, or one of the others");
}
