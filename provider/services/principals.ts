import DataLoader from "dataloader";
import type { CallContext } from "../http/call";
import { ifAllowed } from "../http/errors";
import type { Row } from "../http/json";
import {
  chunks,
  column,
  columns,
  filterLiteral,
  isGuid,
  isTrue,
  type ReadBy,
  read,
  sameText,
  selected,
  text,
} from "../http/json";
import { type DataverseApi, type DataverseRow, optional, query } from "./dataverse-api";
import { type Exchange, IN_ONE_FILTER } from "./exchange";
import { KNOWN_FOR } from "./listing";
import { texts } from "./mailboxes";

/** Who may own a row of Dataverse: a user or a team of the environment. */
export interface Principal {
  table: "systemusers" | "teams";
  id: string;
  name: string;
  /** Lower case; undefined where it has none. */
  address: string | undefined;
  isDisabled: boolean;
}

const lowerCase = (value: unknown) => optional(value)?.toLowerCase();

const USER = {
  id: column("systemuserid", String),
  name: columns(["fullname", "domainname"], (row) => String(row.fullname ?? row.domainname ?? "")),
  address: column("internalemailaddress", lowerCase),
  isDisabled: column("isdisabled", isTrue),
  /** Id of its mailbox record; undefined while Dynamics has made none. */
  mailboxId: column("_defaultmailbox_value", optional),
  /** All that names it: ids of Dynamics and Entra, address, sign-in name. Lower case. */
  knownAs: columns(["systemuserid", "azureactivedirectoryobjectid", "internalemailaddress", "domainname"], (row) =>
    namesIn(row.systemuserid, row.azureactivedirectoryobjectid, row.internalemailaddress, row.domainname),
  ),
};
const TEAM = {
  id: column("teamid", String),
  name: column("name", (value) => String(value ?? "")),
  address: column("emailaddress", lowerCase),
};

/** A user of Dynamics, with the address its mailbox record has. */
export type DynamicsUser = Principal & ReadBy<typeof USER> & { etag: string };

/** Users and teams of one Dataverse environment. */
export class Principals {
  readonly #api: DataverseApi;

  constructor(api: DataverseApi) {
    this.#api = api;
  }

  /**
   * The users with this address or sign-in name, this id (of Dynamics or of Entra), or else this full name. Dynamics keeps the row of
   * somebody who left, disabled: where exactly one of them is enabled, that one is meant.
   */
  async users(identifier: string, context: CallContext): Promise<DynamicsUser[]> {
    const alternatives: Record<string, string> = isGuid(identifier)
      ? { systemuserid: identifier, azureactivedirectoryobjectid: identifier }
      : identifier.includes("@")
        ? { internalemailaddress: identifier, domainname: identifier }
        : { fullname: identifier };
    const rows = await this.#api.list(
      query("systemusers", selected(USER), alternatives),
      `looking for the Dynamics user ${identifier}`,
      context,
    );
    const users = rows.map(userOf);
    // The address says more than a sign-in name that happens to look the same.
    const byAddress = users.filter(({ address }) => address !== undefined && sameText(address, identifier));
    const found = byAddress.length > 0 ? byAddress : users;
    const enabled = found.filter(({ isDisabled }) => !isDisabled);
    return enabled.length === 1 ? enabled : found;
  }

  /** The user with this id, or undefined. */
  async user(id: string, context: CallContext): Promise<DynamicsUser | undefined> {
    const row = await this.#api.get(
      `/systemusers(${id})?$select=${selected(USER).join(",")}`,
      `reading the Dynamics user ${id}`,
      context,
    );
    return row === undefined ? undefined : userOf(row);
  }

  /** Changes columns of a user that is still as it was read. */
  async update(
    user: Pick<DynamicsUser, "id" | "etag">,
    columns: DataverseRow,
    action: string,
    context: CallContext,
  ): Promise<void> {
    await this.#api.update(`/systemusers(${user.id})`, user.etag, columns, action, context);
  }

  /** The teams with this id, address or name. */
  async teams(identifier: string, context: CallContext): Promise<Principal[]> {
    const column = isGuid(identifier) ? "teamid" : identifier.includes("@") ? "emailaddress" : "name";
    const rows = await this.#api.list(
      query("teams", selected(TEAM), { [column]: identifier }),
      `looking for the team ${identifier}`,
      context,
    );
    return rows.map(teamOf);
  }
}

function userOf(row: DataverseRow): DynamicsUser {
  return { table: "systemusers", etag: String(row["@odata.etag"] ?? "*"), ...read(USER, row) };
}

/** Users, teams or queues in words, so that one of them can be chosen: `Ada Lovelace (<id>, disabled)`. */
export function listed(found: readonly { name: string; id: string; isDisabled?: boolean }[]): string {
  return found
    .map(({ name, id, isDisabled }) => `${name} (${id}${isDisabled === true ? ", disabled" : ""})`)
    .join(" or ");
}

function namesIn(...values: unknown[]): string[] {
  return values.flatMap((value) => (typeof value === "string" && value !== "" ? [value.toLowerCase()] : []));
}

function teamOf(row: DataverseRow): Principal {
  return { table: "teams", isDisabled: false, ...read(TEAM, row) };
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
