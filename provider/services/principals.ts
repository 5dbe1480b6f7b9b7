import type { CallContext } from "../http/call";
import { type DataverseApi, type DataverseRow, optional, query } from "./dataverse-api";
import { sameText } from "./mailboxes";
import { isGuid } from "./recipients";

/** Who may own a row of Dataverse: a user or a team of the environment. */
export interface Principal {
  table: "systemusers" | "teams";
  id: string;
  name: string;
  /** Lower case; undefined where it has none. */
  address: string | undefined;
  isDisabled: boolean;
}

/** A user of Dynamics, with the address its mailbox record has. */
export interface DynamicsUser extends Principal {
  etag: string;
  /** Id of its mailbox record; undefined while Dynamics has made none. */
  mailboxId: string | undefined;
  /** All that names it: ids of Dynamics and Entra, address, sign-in name. Lower case. */
  knownAs: string[];
}

const USER = [
  "systemuserid",
  "fullname",
  "internalemailaddress",
  "domainname",
  "azureactivedirectoryobjectid",
  "isdisabled",
  "_defaultmailbox_value",
] as const;
const TEAM = ["teamid", "name", "emailaddress"] as const;

/** Users and teams of one Dataverse environment. */
export class Principals {
  readonly #api: DataverseApi;

  constructor(api: DataverseApi) {
    this.#api = api;
  }

  /**
   * The users with this address or sign-in name, this id (of Dynamics or of Entra), or else this full name. Dynamics keeps the row of
   * somebody who left, disabled: one enabled user among disabled ones is who is meant.
   */
  async users(identifier: string, context: CallContext): Promise<DynamicsUser[]> {
    const alternatives: Record<string, string> = isGuid(identifier)
      ? { systemuserid: identifier, azureactivedirectoryobjectid: identifier }
      : identifier.includes("@")
        ? { internalemailaddress: identifier, domainname: identifier }
        : { fullname: identifier };
    const rows = await this.#api.list(
      query("systemusers", USER, alternatives),
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
      `/systemusers(${id})?$select=${USER.join(",")}`,
      `reading the Dynamics user ${id}`,
      context,
    );
    return row === undefined ? undefined : userOf(row);
  }

  /** Changes columns of a user that is still as it was read. */
  async update(user: DynamicsUser, columns: DataverseRow, action: string, context: CallContext): Promise<void> {
    await this.#api.update(`/systemusers(${user.id})`, user.etag, columns, action, context);
  }

  /** The teams with this id, address or name. */
  async teams(identifier: string, context: CallContext): Promise<Principal[]> {
    const column = isGuid(identifier) ? "teamid" : identifier.includes("@") ? "emailaddress" : "name";
    const rows = await this.#api.list(
      query("teams", TEAM, { [column]: identifier }),
      `looking for the team ${identifier}`,
      context,
    );
    return rows.map(teamOf);
  }
}

function userOf(row: DataverseRow): DynamicsUser {
  return {
    table: "systemusers",
    id: String(row.systemuserid),
    etag: String(row["@odata.etag"] ?? "*"),
    name: String(row.fullname ?? row.domainname ?? ""),
    address: optional(row.internalemailaddress)?.toLowerCase(),
    isDisabled: row.isdisabled === true,
    mailboxId: optional(row._defaultmailbox_value),
    knownAs: namesIn(row.systemuserid, row.azureactivedirectoryobjectid, row.internalemailaddress, row.domainname),
  };
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
  return {
    table: "teams",
    id: String(row.teamid),
    name: String(row.name ?? ""),
    address: optional(row.emailaddress)?.toLowerCase(),
    isDisabled: false,
  };
}
