import type { Answer, CallContext } from "../http/call";
import { isClass, isServiceError, ProviderError } from "../http/errors";
import type { Pipeline } from "../http/pipeline";
import { isGuid } from "./recipients";
import type { Scope } from "./waiting";

/** A row of a Dataverse table; lookups as `_name_value`. */
export type DataverseRow = Record<string, unknown>;

/** A row of the `mailbox` table, in the words of its options. */
export interface MailboxRow {
  id: string;
  etag: string;
  name: string;
  emailAddress: string;
  isForwardMailbox: boolean;
  /** Id of the user or queue the record belongs to; undefined on a forward mailbox. */
  regarding: string | undefined;
  serverProfileId: string | undefined;
  /** `incomingemaildeliverymethod`, see {@link incomingMethods}. */
  incoming: number;
  deleteAfterProcessing: boolean;
  approval: Approval;
  incomingStatus: Status;
  outgoingStatus: Status;
  appointmentsContactsTasksStatus: Status;
  /** ISO 8601; undefined when no test has finished. */
  testCompletedOn: string | undefined;
  isTestScheduled: boolean;
  isActive: boolean;
}

/** An e-mail server profile. */
export interface ServerProfile {
  id: string;
  name: string;
  isActive: boolean;
}

export type Approval = "Empty" | "Approved" | "Pending" | "Rejected";
export type Status = "NotRun" | "Success" | "Failure";

/** `incomingemaildeliverymethod`: labels by value (Microsoft's reference of the mailbox table). */
export const incomingMethods = ["None", "Outlook", "ServerSideSynchronization", "ForwardMailbox"] as const;
const approvals: readonly Approval[] = ["Empty", "Approved", "Pending", "Rejected"];
const statuses: readonly Status[] = ["NotRun", "Success", "Failure"];

/** Only these columns are read: a full row carries images and synchronisation state of up to a gigabyte. */
const COLUMNS = [
  "mailboxid",
  "name",
  "emailaddress",
  "isforwardmailbox",
  "_regardingobjectid_value",
  "_emailserverprofile_value",
  "incomingemaildeliverymethod",
  "processanddeleteemails",
  "emailrouteraccessapproval",
  "incomingemailstatus",
  "outgoingemailstatus",
  "actstatus",
  "testmailboxaccesscompletedon",
  "testemailconfigurationscheduled",
  "statecode",
].join(",");

/** What Dataverse stores for a date that never was. */
const NEVER = "1900-01-01";

/** The Dataverse Web API of one environment. */
export class Dataverse {
  readonly #pipeline: Pipeline;
  #organizationId: Promise<string> | undefined;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** Id of the organisation behind the configured environment; asked for once. */
  async organizationId(context: CallContext): Promise<string> {
    this.#organizationId ??= this.#get("/WhoAmI", "reading the Dataverse organisation", context).then((row) => {
      if (typeof row?.OrganizationId !== "string") {
        throw notWhatWasAsked("reading the Dataverse organisation");
      }
      return row.OrganizationId;
    });
    try {
      return await this.#organizationId;
    } catch (error) {
      this.#organizationId = undefined;
      throw error;
    }
  }

  /** The mailbox record with this id, or undefined when Dataverse has none. */
  async mailbox(id: string, context: CallContext): Promise<MailboxRow | undefined> {
    const row = await this.#get(`/mailboxes(${id})?$select=${COLUMNS}`, `reading the mailbox record ${id}`, context);
    if (row !== undefined && String(row.mailboxid).toLowerCase() !== id.toLowerCase()) {
      throw notWhatWasAsked(`reading the mailbox record ${id}`);
    }
    return row === undefined ? undefined : mailboxOf(row);
  }

  /** All mailbox records with this address: forward mailboxes, users' and queues'. */
  async mailboxesWithAddress(address: string, context: CallContext): Promise<MailboxRow[]> {
    const filter = encodeURIComponent(`emailaddress eq ${literal(address)}`);
    const rows = await this.#list(
      `/mailboxes?$select=${COLUMNS}&$filter=${filter}`,
      `looking for mailbox records with the address ${address}`,
      context,
    );
    return rows.map(mailboxOf);
  }

  /**
   * Creates a mailbox record under an id of our own; one made by this way is always a forward mailbox.
   *
   * @returns false when there is a row with this id already.
   */
  async createMailbox(id: string, columns: DataverseRow, action: string, scope: Scope): Promise<boolean> {
    try {
      await this.#write("PATCH", `/mailboxes(${id})`, columns, { "If-None-Match": "*" }, action, scope);
      return true;
    } catch (error) {
      if (isClass(error, "precondition")) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Changes columns of a mailbox record that is still as it was read.
   *
   * @throws DataverseError of class `precondition` when somebody changed it meanwhile.
   */
  async updateMailbox(row: MailboxRow, columns: DataverseRow, action: string, scope: Scope): Promise<void> {
    await this.#write("PATCH", `/mailboxes(${row.id})`, columns, { "If-Match": row.etag }, action, scope);
  }

  /** Deletes a mailbox record; gone already is success. Where Dynamics refuses an active one it is deactivated first. */
  async deleteMailbox(row: MailboxRow, action: string, scope: Scope): Promise<void> {
    const path = `/mailboxes(${row.id})`;
    try {
      await this.#write("DELETE", path, undefined, {}, action, scope);
    } catch (error) {
      if (isClass(error, "notFound")) {
        return;
      }
      if (!isServiceError(error) || error.status !== 405) {
        throw error;
      }
      // Whether a mailbox must be inactive before it goes is unverified; other tools deactivate first when they are told to.
      await this.#write("PATCH", path, { statecode: 1, statuscode: 2 }, { "If-Match": "*" }, action, scope);
      await this.#write("DELETE", path, undefined, {}, action, scope);
    }
  }

  /** The server profiles with this name or id. */
  async serverProfiles(nameOrId: string, context: CallContext): Promise<ServerProfile[]> {
    const filter = isGuid(nameOrId) ? `emailserverprofileid eq ${nameOrId}` : `name eq ${literal(nameOrId)}`;
    const rows = await this.#list(
      `/emailserverprofiles?$select=emailserverprofileid,name,statecode&$filter=${encodeURIComponent(filter)}`,
      `looking for the server profile ${nameOrId}`,
      context,
    );
    return rows.map((row) => ({
      id: String(row.emailserverprofileid),
      name: String(row.name),
      isActive: row.statecode === 0,
    }));
  }

  /** Id of the organisation's default server profile, if it has one. */
  async defaultServerProfileId(context: CallContext): Promise<string | undefined> {
    const [organization] = await this.#list(
      "/organizations?$select=organizationid,_defaultemailserverprofileid_value",
      "reading the organisation's default server profile",
      context,
    );
    const id = organization?._defaultemailserverprofileid_value;
    return typeof id === "string" ? id : undefined;
  }

  async #get(path: string, action: string, context: CallContext): Promise<DataverseRow | undefined> {
    try {
      const answer = await this.#send("GET", path, undefined, {}, "read", action, context);
      if (typeof answer.body !== "object" || answer.body === null) {
        // Only a 404 says that there is no such row.
        throw notWhatWasAsked(action);
      }
      return answer.body as DataverseRow;
    } catch (error) {
      if (isClass(error, "notFound")) {
        return undefined;
      }
      throw error;
    }
  }

  async #list(path: string, action: string, context: CallContext): Promise<DataverseRow[]> {
    const rows: DataverseRow[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const answer = await this.#send("GET", next, undefined, {}, "read", action, context);
      const body = answer.body as { value?: DataverseRow[]; "@odata.nextLink"?: string };
      if (!Array.isArray(body?.value)) {
        throw new ProviderError({ action, words: "Dataverse answered with something that is not a list" });
      }
      rows.push(...body.value);
      const link = body["@odata.nextLink"];
      next = link === undefined ? undefined : link.slice(link.indexOf(BASE) + BASE.length);
    }
    return rows;
  }

  async #write(
    method: "PATCH" | "DELETE",
    path: string,
    body: DataverseRow | undefined,
    headers: Record<string, string>,
    action: string,
    scope: Scope,
  ): Promise<void> {
    await this.#send(method, path, body, headers, "write", action, scope);
  }

  async #send(
    method: "GET" | "PATCH" | "DELETE",
    path: string,
    body: DataverseRow | undefined,
    headers: Record<string, string>,
    kind: "read" | "write",
    action: string,
    context: CallContext,
  ): Promise<Answer> {
    return this.#pipeline.send(
      {
        service: "dataverse",
        method,
        path: `${BASE}${path}`,
        kind,
        action,
        headers: {
          "OData-MaxVersion": "4.0",
          "OData-Version": "4.0",
          // Overrides caches between here and the row (Microsoft's page on composing requests); conditions replace it.
          ...("If-None-Match" in headers ? {} : kind === "read" ? { "If-None-Match": "null" } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      },
      context,
    );
  }
}

const BASE = "/api/data/v9.2";

/** The error for an answer of success that holds something else: it proves neither presence nor absence. */
function notWhatWasAsked(action: string): ProviderError {
  return new ProviderError({ action, words: "Dataverse answered with something else than what was asked for" });
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function mailboxOf(row: DataverseRow): MailboxRow {
  const completed = String(row.testmailboxaccesscompletedon ?? NEVER);
  return {
    id: String(row.mailboxid),
    etag: String(row["@odata.etag"] ?? "*"),
    name: String(row.name ?? ""),
    emailAddress: String(row.emailaddress ?? "").toLowerCase(),
    isForwardMailbox: row.isforwardmailbox === true,
    regarding: optional(row._regardingobjectid_value),
    serverProfileId: optional(row._emailserverprofile_value),
    incoming: Number(row.incomingemaildeliverymethod ?? 0),
    deleteAfterProcessing: row.processanddeleteemails === true,
    approval: approvals[Number(row.emailrouteraccessapproval ?? 0)] ?? "Empty",
    incomingStatus: statuses[Number(row.incomingemailstatus ?? 0)] ?? "NotRun",
    outgoingStatus: statuses[Number(row.outgoingemailstatus ?? 0)] ?? "NotRun",
    appointmentsContactsTasksStatus: statuses[Number(row.actstatus ?? 0)] ?? "NotRun",
    testCompletedOn: completed.startsWith(NEVER) ? undefined : completed,
    isTestScheduled: row.testemailconfigurationscheduled === true,
    isActive: row.statecode === 0,
  };
}

function optional(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
