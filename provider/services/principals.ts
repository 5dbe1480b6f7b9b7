import type { CallContext } from "../http/call";
import { column, columns, isGuid, isTrue, type ReadBy, read, sameText, selected } from "../http/json";
import { type DataverseApi, type DataverseRow, etagOf, optional, query } from "./dataverse";

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
  return { table: "systemusers", etag: etagOf(row), ...read(USER, row) };
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
