import DataLoader from "dataloader";
import { ifAllowed } from "../http/errors";
import {
  chunks,
  column,
  filterLiteral,
  isGuid,
  type ReadBy,
  type Row,
  read,
  sameText,
  selected,
  text,
  texts,
} from "../http/json";
import { type Exchange, IN_ONE_FILTER, type Output } from "./exchange";
import type { Graph, User } from "./graph";
import { KNOWN_FOR, type Listed, type Listing } from "./listing";
import { hasAddress, smtpAddresses } from "./mailboxes";

const SHOWN = {
  /** Entra object id; "" for a mail contact. */
  id: column("ExternalDirectoryObjectId", text),
  guid: column("Guid", text),
  name: column("Name", text),
  alias: column("Alias", text),
  displayName: column("DisplayName", text),
  /** Lower case. */
  primarySmtpAddress: column("PrimarySmtpAddress", (value) => text(value).toLowerCase()),
  emailAddresses: column("EmailAddresses", texts),
  recipientTypeDetails: column("RecipientTypeDetails", text),
  /** Where it stands in Exchange's directory. It is unique. */
  distinguishedName: column("DistinguishedName", text),
  /** Sign-in name where the recipient has an account; lower case. */
  userPrincipalName: column("WindowsLiveID", (value) => text(value).toLowerCase() || undefined),
};

/**
 * Anything in the tenant with an address in Exchange: a mailbox, mail user, group or contact. Of an account that is not a recipient,
 * what only Exchange has is "".
 */
export type Recipient = ReadBy<typeof SHOWN>;

/** How long a looked-up recipient is cached, in milliseconds: the same people have access to many mailboxes. */
const REMEMBERED = 60_000;

/** An address or an alias that somebody may have. */
export interface RecipientName {
  column: "address" | "alias";
  name: string;
}

const COLUMN_OF = { address: "EmailAddresses", alias: "Alias" } as const;

/** Whether a recipient has an address or an alias. */
export function hasName(recipient: Recipient, { column, name }: RecipientName): boolean {
  return column === "address" ? hasAddress(recipient, name) : sameText(recipient.alias, name);
}

/**
 * Recipients, found by exact address, sign-in name or id; never by display name or the beginning of anything. Whoever was
 * found is cached for a minute, unless this deployment writes to it; whoever was not found is asked for each time.
 */
export class Recipients {
  readonly #exchange: Exchange;
  readonly #graph: Graph;
  readonly #found = new Map<string, { at: number; recipients: Recipient[] }>();
  readonly #listing: Listing<Output>;
  /** When something was written to last, by Entra object id. */
  readonly #writes = new Map<string, number>();

  constructor(exchange: Exchange, graph: Graph) {
    this.#exchange = exchange;
    this.#graph = graph;
    this.#listing = exchange.listing(
      {
        name: "Get-Recipient",
        parameters: { ResultSize: "Unlimited" },
        select: selected(SHOWN),
        action: "listing the recipients",
      },
      (row) => {
        const { id, emailAddresses } = recipientOf(row);
        return [...(id === "" ? [] : [id]), ...smtpAddresses({ emailAddresses })];
      },
    );
    exchange.onWrite((id) => this.#writes.set(id.toLowerCase(), Date.now()));
  }

  /**
   * Who is meant by an address, a sign-in name or an object id.
   *
   * @returns every recipient that fits, so that the caller can refuse an ambiguous text; empty when nobody fits (yet).
   */
  async named(identifier: string): Promise<Recipient[]> {
    if (isGuid(identifier)) {
      return this.#remembered(identifier, () =>
        this.#filtered(
          `ExternalDirectoryObjectId -eq ${filterLiteral(identifier)}`,
          identifier,
          (recipient) => sameText(recipient.id, identifier),
          { listing: this.#listing, key: identifier.toLowerCase() },
        ),
      );
    }
    // A sign-in name need not be an address, and may be somebody else's address; only the directory knows it.
    const [byAddress, user] = await Promise.all([this.withAddress(identifier), this.#graph.user(identifier)]);
    if (user === undefined || byAddress.some(({ id }) => sameText(id, user.id))) {
      return byAddress;
    }
    const bySignInName = await this.named(user.id);
    return [...(bySignInName.length === 0 && byAddress.length > 0 ? [account(user)] : bySignInName), ...byAddress];
  }

  /** The recipients that have this SMTP address, of whatever kind. */
  async withAddress(address: string): Promise<Recipient[]> {
    return this.#remembered(address, () =>
      this.#filtered(
        `EmailAddresses -eq ${filterLiteral(address)}`,
        address,
        (recipient) => hasAddress(recipient, address),
        { listing: this.#listing, key: address.toLowerCase() },
      ),
    );
  }

  /**
   * Who is meant by a text that Exchange prints with no id or SID beside it, as `ForwardingAddress` and `GrantSendOnBehalfTo`: those
   * whom it fits in the first of these ranks that fits anybody: object id, guid, sign-in name, primary address, other address, Name.
   *
   * @returns more than one where one text stands for several.
   */
  async printed(printed: string): Promise<Recipient[]> {
    return this.#remembered(`printed ${printed}`, () => this.#printed(printed));
  }

  async #printed(printed: string): Promise<Recipient[]> {
    const byId = isGuid(printed) ? await this.named(printed) : [];
    if (byId.length > 0) {
      return byId;
    }
    const isAddress = printed.includes("@");
    const literal = filterLiteral(printed);
    const also = isGuid(printed) ? `Guid -eq ${literal} -or ` : isAddress ? `EmailAddresses -eq ${literal} -or ` : "";
    const [found, user] = await Promise.all([
      this.#filtered(`${also}Name -eq ${literal}`, printed, () => true),
      isAddress ? this.#graph.user(printed) : undefined,
    ]);
    const bySignInName = user === undefined ? [] : await this.named(user.id);
    const ranks: Recipient[][] = [
      found.filter(({ guid }) => sameText(guid, printed)),
      bySignInName,
      found.filter(({ primarySmtpAddress }) => sameText(primarySmtpAddress, printed)),
      found.filter((recipient) => hasAddress(recipient, printed)),
      found.filter(({ name }) => sameText(name, printed)),
    ];
    return ranks.find((rank) => rank.length > 0) ?? [];
  }

  /** The groups with this display name: that is what permission lists print of a group. */
  async groupsDisplayed(name: string): Promise<Recipient[]> {
    return this.#filtered(
      `DisplayName -eq ${filterLiteral(name)}`,
      name,
      (recipient) => isGroup(recipient) && sameText(recipient.displayName, name),
    );
  }

  /**
   * The recipients that have one of some addresses or aliases, of whatever kind. The names are asked for together. Nothing is cached: it is
   * asked of names that are probably free.
   */
  async withNames(names: readonly RecipientName[]): Promise<Recipient[]> {
    const found = await Promise.all(
      chunks(names, IN_ONE_FILTER).map((chunk) =>
        this.#filtered(
          chunk.map(({ column, name }) => `${COLUMN_OF[column]} -eq ${filterLiteral(name)}`).join(" -or "),
          chunk.map(({ name }) => name).join(", "),
          (recipient) => chunk.some((one) => hasName(recipient, one)),
        ),
      ),
    );
    return found.flat();
  }

  /**
   * Which of several recipients with one Name a mailbox really refers to: Exchange is asked by distinguished name, which is one
   * object's alone.
   *
   * @returns undefined where that does not tell them apart.
   */
  async referredTo(
    mailboxId: string,
    property: "ForwardingAddress" | "GrantSendOnBehalfTo",
    candidates: readonly Recipient[],
  ): Promise<Recipient[] | undefined> {
    const names = new Set(candidates.map(({ distinguishedName }) => distinguishedName.toLowerCase()));
    if (names.size < candidates.length || names.has("")) {
      return undefined;
    }
    const answers = await Promise.all(
      candidates.map(({ distinguishedName, displayName }) =>
        this.#exchange.read({
          name: "Get-Mailbox",
          parameters: {
            Filter: `ExternalDirectoryObjectId -eq ${filterLiteral(mailboxId)} -and ${property} -eq ${filterLiteral(distinguishedName)}`,
            ResultSize: "Unlimited",
          },
          select: ["ExternalDirectoryObjectId"],
          action: `asking whether ${property} of mailbox ${mailboxId} is ${displayName}`,
        }),
      ),
    );
    const found = candidates.filter((_, index) =>
      answers[index]?.rows.some((row) => sameText(text(row.ExternalDirectoryObjectId), mailboxId)),
    );
    return found.length === 0 ? undefined : found;
  }

  async #remembered(wanted: string, ask: () => Promise<Recipient[]>): Promise<Recipient[]> {
    const key = wanted.toLowerCase();
    const known = this.#found.get(key);
    const at = Date.now();
    if (
      known !== undefined &&
      at - known.at < REMEMBERED &&
      known.recipients.every((one) => !this.#isStale(one, known.at))
    ) {
      return known.recipients;
    }
    const recipients = await ask();
    // The time of the question counts: a write between question and answer makes the answer stale.
    if (recipients.length > 0) {
      this.#found.set(key, { at, recipients });
      // Whoever was found by an address is known by id as well: a state has the id, and the next step asks with it.
      for (const one of recipients.filter(({ id, guid }) => id !== "" && guid !== "")) {
        this.#found.set(one.id.toLowerCase(), { at, recipients: [one] });
      }
    } else {
      this.#found.delete(key);
    }
    return recipients;
  }

  #isStale({ id }: Recipient, since: number): boolean {
    return (this.#writes.get(id.toLowerCase()) ?? 0) >= since;
  }

  async #filtered(
    filter: string,
    wanted: string,
    fits: (recipient: Recipient) => boolean,
    listed?: Listed<Output>,
  ): Promise<Recipient[]> {
    const { rows } = await this.#exchange.read({
      name: "Get-Recipient",
      parameters: { Filter: filter, ResultSize: "Unlimited" },
      select: selected(SHOWN),
      action: `looking up ${wanted}`,
      ...(listed === undefined ? {} : { listed, among: { filter, isOwn: (row) => fits(recipientOf(row)) } }),
    });
    return rows.map(recipientOf).filter(fits);
  }
}

function recipientOf(row: Row): Recipient {
  return read(SHOWN, row);
}

/** An account that is not a recipient, in the same form. */
export function account({ id, userPrincipalName }: Pick<User, "id" | "userPrincipalName">): Recipient {
  return {
    id,
    guid: "",
    name: "",
    alias: "",
    displayName: userPrincipalName,
    primarySmtpAddress: userPrincipalName.toLowerCase(),
    emailAddresses: [],
    recipientTypeDetails: "User",
    distinguishedName: "",
    userPrincipalName: userPrincipalName.toLowerCase(),
  };
}

/** Whether a recipient is a group of any kind. */
export function isGroup({ recipientTypeDetails }: Pick<Recipient, "recipientTypeDetails">): boolean {
  return recipientTypeDetails.endsWith("Group");
}

const KINDS: Record<string, string> = {
  User: "account without a mailbox",
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

/** How long questions are gathered before they are sent together, in milliseconds: about as long as other reads wait for company. */
const GATHER = 25;
/** A user or group by Entra object id. */
interface Asked {
  id: string;
  isGroup: boolean;
}

/**
 * Whose a SID is. Entries of permission lists belong to a SID; the name printed beside it may be several people's. Many are asked
 * for in one filter.
 */
export class SecurityPrincipals {
  readonly #exchange: Exchange;
  /** Questions that were asked, also those that are not answered yet. */
  readonly #known = new Map<string, { at: number; sids: Promise<string[]> }>();
  readonly #sids: DataLoader<Asked, string[], string>;
  readonly #owners: DataLoader<string, string | undefined>;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    const batchScheduleFn = (send: () => void) => setTimeout(send, GATHER);
    this.#sids = new DataLoader((asked) => this.#askForSids(asked), { cache: false, batchScheduleFn });
    this.#owners = new DataLoader((sids) => this.#askForOwners(sids), { cache: false, batchScheduleFn });
  }

  /**
   * The SIDs of a user or group: the present one first, then those of its history, whose entries count too.
   *
   * @returns none where Exchange does not show them, or the application may not ask: then only printed names are left to go by.
   */
  async sidsOf(id: string, isGroup: boolean): Promise<string[]> {
    const key = id.toLowerCase();
    const known = this.#known.get(key);
    const at = Date.now();
    if (known !== undefined && at - known.at < KNOWN_FOR) {
      return known.sids;
    }
    const sids = this.#sids.load({ id: key, isGroup });
    this.#known.set(key, { at, sids });
    // Of whom nothing was told is asked for again.
    sids.then(
      (told) => told.length > 0 || this.#known.delete(key),
      () => this.#known.delete(key),
    );
    return sids;
  }

  /** The Entra object id of the living user or group that has a SID, or undefined when nobody has it (any more). */
  async ownerOf(sid: string): Promise<string | undefined> {
    return this.#owners.load(sid);
  }

  async #askForSids(asked: readonly Asked[]): Promise<string[][]> {
    const rows = await Promise.all(
      (["Get-User", "Get-Group"] as const).flatMap((cmdlet) => {
        const ids = asked.filter(({ isGroup }) => isGroup === (cmdlet === "Get-Group")).map(({ id }) => id);
        return chunks([...new Set(ids)], IN_ONE_FILTER).map((chunk) =>
          this.#find(
            cmdlet,
            chunk.map((id) => `ExternalDirectoryObjectId -eq ${filterLiteral(id)}`),
          ),
        );
      }),
    );
    const byId = new Map(rows.flat().map((row) => [text(row.ExternalDirectoryObjectId).toLowerCase(), sidsIn(row)]));
    return asked.map(({ id }) => byId.get(id) ?? []);
  }

  async #askForOwners(sids: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await Promise.all(
      (["Get-User", "Get-Group"] as const).flatMap((cmdlet) =>
        chunks([...new Set(sids)], IN_ONE_FILTER).map((chunk) =>
          this.#find(
            cmdlet,
            chunk.flatMap((sid) => [`Sid -eq ${filterLiteral(sid)}`, `SidHistory -eq ${filterLiteral(sid)}`]),
          ),
        ),
      ),
    );
    const owners = new Map(
      rows.flat().flatMap((row) => sidsIn(row).map((sid) => [sid, text(row.ExternalDirectoryObjectId)] as const)),
    );
    return sids.map((sid) => owners.get(sid.toUpperCase()) || undefined);
  }

  async #find(name: "Get-User" | "Get-Group", alternatives: string[]): Promise<Row[]> {
    // A role made of single cmdlets may lack these two; printed names and their refusal where ambiguous are left then.
    const output = await ifAllowed(
      this.#exchange.read({
        name,
        parameters: { Filter: alternatives.join(" -or "), ResultSize: "Unlimited" },
        select: ["ExternalDirectoryObjectId", "Sid", "SidHistory"],
        action: name === "Get-User" ? "looking up the SIDs of users" : "looking up the SIDs of groups",
      }),
    );
    return output?.rows ?? [];
  }
}

function sidsIn(row: Row): string[] {
  return [text(row.Sid), ...texts(row.SidHistory)].filter((sid) => sid !== "").map((sid) => sid.toUpperCase());
}
