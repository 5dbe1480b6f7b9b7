import { type Exchange, filterLiteral, type Row } from "./exchange";
import type { Graph } from "./graph";
import { hasAddress, sameText, text, texts } from "./mailboxes";

/** Anything of the tenant that has an address in Exchange: mailboxes, mail users, groups, contacts. */
export interface Recipient {
  /** Entra object id; "" for a mail contact. */
  id: string;
  guid: string;
  name: string;
  displayName: string;
  /** Lower case. */
  primarySmtpAddress: string;
  emailAddresses: string[];
  recipientTypeDetails: string;
  /** Sign-in name where the recipient has an account; lower case. */
  userPrincipalName: string | undefined;
}

const SELECT = [
  "ExternalDirectoryObjectId",
  "Guid",
  "Name",
  "DisplayName",
  "PrimarySmtpAddress",
  "EmailAddresses",
  "RecipientTypeDetails",
  "WindowsLiveID",
] as const;

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a GUID, which is how object ids are written. */
export function isGuid(value: string): boolean {
  return GUID.test(value);
}

/** How long somebody who was found by an address or id is not asked for again, in milliseconds: the same people have access to many mailboxes. */
const REMEMBERED = 60_000;

/**
 * Recipients, found by exact address, sign-in name or id; never by display name or the beginning of anything. Who was found is
 * remembered for a minute, unless this deployment writes to it; who was not found is asked for each time.
 */
export class Recipients {
  readonly #exchange: Exchange;
  readonly #graph: Graph;
  readonly #found = new Map<string, { at: number; recipients: Recipient[] }>();
  /** When something was written to last, by Entra object id. */
  readonly #written = new Map<string, number>();

  constructor(exchange: Exchange, graph: Graph) {
    this.#exchange = exchange;
    this.#graph = graph;
    exchange.onWrite((id) => this.#written.set(id.toLowerCase(), Date.now()));
  }

  /**
   * Who is meant by an address, a sign-in name or an object id.
   *
   * @returns every recipient that fits, so that the caller can refuse an ambiguous text; none when there is none (yet).
   */
  async named(identifier: string): Promise<Recipient[]> {
    if (isGuid(identifier)) {
      return this.#remembered(identifier, () =>
        this.#filtered(`ExternalDirectoryObjectId -eq ${filterLiteral(identifier)}`, identifier, (recipient) =>
          sameText(recipient.id, identifier),
        ),
      );
    }
    const byAddress = await this.withAddress(identifier);
    if (byAddress.length > 0) {
      return byAddress;
    }
    // A sign-in name need not be an address; only the directory knows it.
    const user = await this.#graph.user(identifier);
    return user === undefined ? [] : this.named(user.id);
  }

  /** The recipients that have this SMTP address, of whatever kind. */
  async withAddress(address: string): Promise<Recipient[]> {
    return this.#remembered(address, () =>
      this.#filtered(`EmailAddresses -eq ${filterLiteral(address)}`, address, (recipient) =>
        hasAddress(recipient, address),
      ),
    );
  }

  /** The recipients with this display name: groups stand in permission lists by it. */
  async withDisplayName(name: string): Promise<Recipient[]> {
    return this.#filtered(`DisplayName -eq ${filterLiteral(name)}`, name, (recipient) =>
      sameText(recipient.displayName, name),
    );
  }

  /** The recipient that Exchange prints by its Name or an id, as in `ForwardingAddress` and `GrantSendOnBehalfTo`. */
  async printed(name: string): Promise<Recipient[]> {
    if (isGuid(name)) {
      const byId = await this.named(name);
      if (byId.length > 0) {
        return byId;
      }
    }
    return this.#filtered(`Name -eq ${filterLiteral(name)}`, name, (recipient) => sameText(recipient.name, name));
  }

  async #remembered(wanted: string, ask: () => Promise<Recipient[]>): Promise<Recipient[]> {
    const key = wanted.toLowerCase();
    const known = this.#found.get(key);
    const at = Date.now();
    if (
      known !== undefined &&
      at - known.at < REMEMBERED &&
      known.recipients.every((one) => !this.#isWritten(one, known.at))
    ) {
      return known.recipients;
    }
    const recipients = await ask();
    // Timed at the question: a write that came between it and the answer makes the answer one of before.
    if (recipients.length > 0) {
      this.#found.set(key, { at, recipients });
    } else {
      this.#found.delete(key);
    }
    return recipients;
  }

  #isWritten({ id }: Recipient, since: number): boolean {
    return (this.#written.get(id.toLowerCase()) ?? 0) >= since;
  }

  async #filtered(filter: string, wanted: string, fits: (recipient: Recipient) => boolean): Promise<Recipient[]> {
    const { rows } = await this.#exchange.read({
      name: "Get-Recipient",
      parameters: { Filter: filter, ResultSize: "Unlimited" },
      select: SELECT,
      action: `looking up ${wanted}`,
    });
    return rows.map(recipientOf).filter(fits);
  }
}

function recipientOf(row: Row): Recipient {
  return {
    id: text(row.ExternalDirectoryObjectId),
    guid: text(row.Guid),
    name: text(row.Name),
    displayName: text(row.DisplayName),
    primarySmtpAddress: text(row.PrimarySmtpAddress).toLowerCase(),
    emailAddresses: texts(row.EmailAddresses),
    recipientTypeDetails: text(row.RecipientTypeDetails),
    userPrincipalName: text(row.WindowsLiveID).toLowerCase() || undefined,
  };
}

const KINDS: Record<string, string> = {
  UserMailbox: "user mailbox",
  SharedMailbox: "shared mailbox",
  RoomMailbox: "room mailbox",
  EquipmentMailbox: "equipment mailbox",
  MailUser: "mail user",
  GuestMailUser: "guest",
  MailContact: "mail contact",
  MailUniversalSecurityGroup: "mail-enabled security group",
  MailUniversalDistributionGroup: "distribution list",
  DynamicDistributionGroup: "dynamic distribution list",
  GroupMailbox: "Microsoft 365 group",
};

/** A recipient in words: `the user mailbox "Ada" (ada@contoso.com)`. */
export function describe(recipient: {
  recipientTypeDetails: string;
  displayName: string;
  primarySmtpAddress: string;
}): string {
  const kind = KINDS[recipient.recipientTypeDetails] ?? recipient.recipientTypeDetails;
  return `the ${kind} "${recipient.displayName}" (${recipient.primarySmtpAddress})`;
}
