import { z } from "zod";
import { smtpAddress } from "../../core/canonical";
import type { Held, Known, Operation, Properties } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { isSet } from "../../core/properties";
import type { Row } from "../../http/json";
import type { AccountLicenses, Subscription, User } from "../../services/graph";
import type { Settings } from "../../services/mailbox-settings";
import type { Mailbox, MailboxStatistics } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import { accountProperties, signIn, type, typeProperties } from "./account";
import { addresses, aliasesSchema } from "./addresses";
import type { Facet } from "./facet";
import { forwarding, forwardingSchema, forwardsTo } from "./forwarding";
import { license, licenseSchema } from "./license";
import { limitProperties, limits } from "./limits";
import { automaticReplies, mailboxSettings } from "./mailbox-settings";
import type { NameHolders } from "./naming";
import { clientAccess, clientAccessProperties, mailboxProperties, settings } from "./properties";
import { regional } from "./regional";
import { restoreSchema } from "./restoration";
import { archive, archiveProperties, deletionSchema, holdProperties, litigationHold } from "./retention";
import { type Printed, SENDER_COLUMNS, type SenderList, senderLists, senders } from "./senders";

const { displayName, ...plain } = mailboxProperties.shape;

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  // What is required comes first, as in every message that lists the properties.
  displayName,
  primarySmtpAddress: smtpAddress("support@contoso.com"),
  ...plain,
  ...clientAccessProperties.shape,
  ...senderLists,
  emailAliases: aliasesSchema.optional(),
  ...accountProperties.shape,
  forwarding: forwardingSchema.optional(),
  automaticReplies: automaticReplies.optional(),
  regional: regional.optional(),
  ...limitProperties.shape,
  ...holdProperties.shape,
  ...archiveProperties.shape,
  license: licenseSchema.optional(),
  ...typeProperties.shape,
  adopt: z.union([z.boolean(), z.literal("convert")], { error: 'must be true, false or "convert"' }).optional(),
  deletion: deletionSchema.optional(),
  restoreDeleted: restoreSchema.optional(),
});

/** Canonical inputs. */
export type SharedMailboxInputs = z.output<typeof schema>;

/** What a shared mailbox remembers; `resource.ts` says what each output is. */
export const memory = remembering(
  {
    created: z.boolean(),
    exchangeGuid: z.string(),
    recipientTypeDetails: z.string(),
    accountEnabled: z.boolean(),
    size: z.number(),
    itemCount: z.number(),
    forwardingId: z.string(),
    foldersLanguage: z.string(),
    assignedLicenseId: z.string(),
    valuesBefore: z.object({
      quota: z.record(z.string(), z.string()).optional(),
      maxSendSize: z.string().optional(),
      maxReceiveSize: z.string().optional(),
    }),
  },
  {
    /** The initials by which a creation knows its own work, until they are taken away. */
    creationMark: z.string(),
    /** The sign-in name that is to follow the primary address, as it was before. */
    formerSignInName: z.string(),
    /** The forwarding target that was gone when last looked at: brought back, it gets mail again, whatever the program says by then. */
    awayForwardingId: z.string(),
    /** That a restored mailbox still has the access that came back with it. */
    hasFormerAccess: z.boolean(),
    /** Object ids of declared senders, by how they are written. */
    senderIds: z.record(z.string(), z.string()),
  },
);

/** What a shared mailbox remembers. */
export type Memory = MemoryOf<typeof memory>;
/** What quota and sizes were when this resource began to manage them. */
export type ValuesBefore = NonNullable<Memory["valuesBefore"]>;
/** Inputs that a state has. */
export type HeldInputs = Held<SharedMailboxInputs>;
/** What is known of a shared mailbox before the tenant is asked. */
export type KnownMailbox = Known<SharedMailboxInputs, Memory>;
/** An operation on a shared mailbox. */
export type SharedMailboxOperation = Operation<SharedMailboxInputs, Memory>;

/** Where mail is forwarded: to a recipient of the tenant, known by id, or else to an outside address. */
export interface Target {
  address: string;
  recipient?: Recipient | undefined;
}

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: SharedMailboxInputs;
  target: Target | undefined;
  /** The declared senders by the key they are written with. */
  senders: Partial<Record<SenderList, ReadonlyMap<string, Recipient>>>;
  /** Who has the names that the mailbox is to get, as far as this operation has asked. */
  names: NameHolders;
}

/** A mailbox that has the address before this resource is created. */
export interface Existing {
  mailbox: Mailbox;
  /**
   * How the creation goes on: `continue` with what an interrupted one of this resource made; `adopt` a shared mailbox as it is; `convert` a
   * person's mailbox to a shared one, then adopt it.
   */
  way: "continue" | "adopt" | "convert";
}

/** What licences the account has and which ones the tenant bought. */
export interface Licensing {
  account: AccountLicenses;
  subscriptions: Subscription[];
}

/** A mailbox, the account behind it and the recipient it forwards to. */
export interface Observed {
  mailbox: Mailbox;
  user: User;
  /** The recipient that `ForwardingAddress` names. */
  forwardsTo: Recipient | undefined;
  /** Object id of a forwarding target without a mailbox, which Exchange does not show and which may come back. */
  awayTarget?: string | undefined;
  /** Those who are printed like the recipient that `ForwardingAddress` names, where none of them is known to be it. */
  forwardingCandidates?: readonly Recipient[];
  /** By which clients it may be opened, as Exchange prints it; only where that is declared. */
  clientAccess?: Row;
  /** Who may and who may not write to it; only where that is declared. */
  senders?: Partial<Record<SenderList, readonly Printed[]>>;
  /** Domains in which Exchange keeps the alias as an address; only where further addresses are declared, and may be asked for. */
  aliasDomains?: readonly string[];
  /** Automatic replies and regional settings; only where one of them is declared. */
  settings?: Settings;
  /** The account's licences and the tenant's subscriptions; only where they are needed. */
  licensing?: Licensing;
  /** What quota and sizes were before this resource managed them, as far as it does. */
  valuesBefore?: ValuesBefore;
  /** The message sizes of the mailbox's plan, as far as Exchange tells them; only where something has to go back to them. */
  planSizes?: Readonly<Record<string, string>>;
  /** That this very operation assigned a licence. */
  isJustLicensed?: true;
  /** How full the mailbox is; only at the end of a deployment, and of one that this very operation made. */
  statistics?: MailboxStatistics | undefined;
  /** How this very operation took it over: nothing of it is taken away. */
  takenOver?: "adopted" | "restored";
}

/** Columns of `Get-Mailbox` that these properties compare. */
export const comparedColumns: readonly string[] = [
  ...mailboxProperties.columns,
  ...SENDER_COLUMNS,
  ...limitProperties.columns,
  ...holdProperties.columns,
];

/**
 * All groups of properties, in the order in which they apply their changes; they prepare in the reverse one. So sign-in is blocked before
 * all else, a mailbox of another type is made shared then, and a licence is there for what needs it. The licence goes after what needs no
 * licence any more, and sign-in is allowed last.
 */
export const facets: readonly Facet[] = [
  settings,
  clientAccess,
  senders,
  addresses,
  forwarding,
  mailboxSettings,
  limits,
  litigationHold,
  archive,
  license,
  type,
  signIn,
];

/** A mailbox with everything around it that the inputs of the program or the state need. */
export async function observeMailbox(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired | undefined,
  operation: SharedMailboxOperation,
): Promise<Observed> {
  const managed = { ...operation.known.inputs, ...desired?.inputs };
  const [{ recipient, candidates }, ...looks] = await Promise.all([
    forwardsTo(seen.mailbox, desired, operation),
    ...facets.flatMap(({ look, properties }) => {
      if (look === undefined) {
        return [];
      }
      const names = properties.filter((property) => isSet(managed[property])).join(", ");
      return [
        operation.readIfAllowed(`${names} of ${seen.mailbox.primarySmtpAddress}`, async () =>
          look(seen, managed, operation, desired),
        ),
      ];
    }),
  ]);
  return { ...seen, forwardsTo: recipient, forwardingCandidates: candidates, ...Object.assign({}, ...looks) };
}

/** All inputs as they are in the tenant; what the state does not hold is left out by the caller. */
export function asRead(observed: Observed, known: KnownMailbox): Properties {
  return Object.assign({}, ...facets.map((facet) => facet.read(observed, known)));
}
