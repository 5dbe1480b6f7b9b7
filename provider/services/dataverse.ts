import type { Answer, CallContext } from "../http/call";
import { isServiceError, unless } from "../http/errors";
import {
  chunks,
  column,
  columns,
  filterLiteral,
  isGuid,
  isObject,
  isTrue,
  mapOf,
  type Read,
  type ReadBy,
  read,
  rowsOf,
  selected,
  text,
} from "../http/json";
import type { Pipeline } from "../http/pipeline";
import { notWhatWasAsked } from "./refused";
import { once } from "./waiting";

/** A row of a Dataverse table; lookups as `_name_value`. */
export type DataverseRow = Record<string, unknown>;

/** The Dataverse Web API v9.2 of one environment: rows by their path, and nothing about what they mean. */
export class DataverseApi {
  readonly #pipeline: Pipeline;
  readonly #environmentUrl: string | undefined;

  /** @param environmentUrl origin of the environment; undefined for the configured one. */
  constructor(pipeline: Pipeline, environmentUrl?: string) {
    this.#pipeline = pipeline;
    this.#environmentUrl = environmentUrl;
  }

  /** One row, or the answer of a function; undefined when Dataverse says that there is none. */
  async get(path: string, action: string, context: CallContext): Promise<DataverseRow | undefined> {
    const answer = await unless(this.#send("GET", path, undefined, {}, action, context), "notFound");
    if (answer === undefined) {
      return undefined;
    }
    if (!isObject(answer.body)) {
      // Only a 404 proves that the row does not exist.
      throw notWhatWasAsked("Dataverse", action, answer.requestId);
    }
    return answer.body;
  }

  /** All rows of a query, page after page. */
  async list(path: string, action: string, context: CallContext): Promise<DataverseRow[]> {
    const rows: DataverseRow[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const answer: Answer = await this.#send("GET", next, undefined, {}, action, context);
      const body: DataverseRow = mapOf(answer.body);
      const page = rowsOf(body.value);
      if (page === undefined) {
        throw notWhatWasAsked("Dataverse", action, answer.requestId);
      }
      rows.push(...page);
      const link = optional(body["@odata.nextLink"]);
      next = link === undefined ? undefined : link.slice(link.indexOf(BASE) + BASE.length);
    }
    return rows;
  }

  /**
   * Creates a row under an id chosen here, so that a repetition finds the row of a lost answer.
   *
   * @returns false when there is a row with this id already.
   */
  async create(path: string, columns: DataverseRow, action: string, context: CallContext): Promise<boolean> {
    const creation = this.#send("PATCH", path, columns, { "If-None-Match": "*" }, action, context);
    return (await unless(creation, "precondition")) !== undefined;
  }

  /**
   * Changes columns of a row. Without a condition Dataverse would create one that is gone.
   *
   * @param etag the version that was read; "*" for any version.
   * @throws DataverseError of class `precondition` when somebody has changed it since.
   */
  async update(path: string, etag: string, columns: DataverseRow, action: string, context: CallContext): Promise<void> {
    try {
      await this.#send("PATCH", path, columns, { "If-Match": etag }, action, context);
    } catch (error) {
      const isUnversioned = isServiceError(error) && error.code.toLowerCase() === NO_CONCURRENCY;
      if (!isUnversioned || etag === "*") {
        throw error;
      }
      // Mailbox records have versions; whether users' and queues' rows do depends on the environment.
      await this.#send("PATCH", path, columns, { "If-Match": "*" }, action, context);
    }
  }

  /** Deletes a row; gone already is success. */
  async delete(path: string, action: string, context: CallContext): Promise<void> {
    await unless(this.#send("DELETE", path, undefined, {}, action, context), "notFound");
  }

  async #send(
    method: "GET" | "PATCH" | "DELETE",
    path: string,
    body: DataverseRow | undefined,
    headers: Record<string, string>,
    action: string,
    context: CallContext,
  ): Promise<Answer> {
    const kind = method === "GET" ? "read" : "write";
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
          ...(kind === "read" ? { "If-None-Match": "null" } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        ...(this.#environmentUrl === undefined ? {} : { base: this.#environmentUrl }),
      },
      context,
    );
  }
}

const BASE = "/api/data/v9.2";
/** OptimisticConcurrencyNotEnabled: rows of this table have no versions to compare. */
const NO_CONCURRENCY = "0x8006088d";

/** A query for the rows whose columns have a value, or one of several: `$select`, and a `$filter` of alternatives. */
export function query(
  set: string,
  select: readonly string[],
  alternatives: Readonly<Record<string, string | readonly string[]>>,
): string {
  const filter = Object.entries(alternatives)
    .flatMap(([column, values]) => [values].flat().map((value) => [column, value] as const))
    .map(
      ([column, value]) =>
        `${column} eq ${isGuid(value) && /id(_value)?$/.test(column) ? value : filterLiteral(value)}`,
    )
    .join(" or ");
  return `/${set}?$select=${select.join(",")}&$filter=${encodeURIComponent(filter)}`;
}

/** A text of a row; undefined for null and for anything that is not text. */
export function optional(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export type Approval = "Empty" | "Approved" | "Pending" | "Rejected";
export type Status = "NotRun" | "Success" | "Failure";

/** `incomingemaildeliverymethod`: labels by value (Microsoft's reference of the mailbox table). */
export const incomingMethods = ["None", "Outlook", "ServerSideSynchronization", "ForwardMailbox"] as const;
/** `outgoingemaildeliverymethod`: labels by value. */
export const outgoingMethods = ["None", "Outlook", "ServerSideSynchronization"] as const;
/** `actdeliverymethod`: labels by value, in another order than those of the other two. */
const appointmentsMethods = ["Outlook", "ServerSideSynchronization", "None"] as const;
export type IncomingMethod = (typeof incomingMethods)[number];

const approvals: readonly Approval[] = ["Empty", "Approved", "Pending", "Rejected"];
const statuses: readonly Status[] = ["NotRun", "Success", "Failure"];

/** What Dataverse stores for a date that never was. */
const NEVER = "1900-01-01";

/** `incomingcredentialretrieval`: specified by a user or queue. */
const CREDENTIALS_OF_MAILBOX = 0;
/** `servertype`: Other (POP3/SMTP), and IMAP/SMTP. */
const NOT_EXCHANGE = [1, 4];

/** A column that is written as it is read. */
export interface Written<Value> extends Read<Value> {
  /** The values that it takes. */
  readonly values: readonly Value[];
  readonly write: (value: Value) => DataverseRow;
  /** Whether a change makes the result of the last Test & Enable worthless. */
  readonly isTested?: boolean;
}

/** Such columns of a queue and of its mailbox record, by the properties that declare them. */
const WRITTEN_TO_BOTH = {
  incomingEmail: { ...choice("incomingemaildeliverymethod", incomingMethods, "None"), isTested: true },
  outgoingEmail: { ...choice("outgoingemaildeliverymethod", outgoingMethods, "None"), isTested: true },
};

/** Such columns of a mailbox record. */
const WRITTEN_TO_MAILBOX = {
  ...WRITTEN_TO_BOTH,
  appointmentsContactsTasks: { ...choice("actdeliverymethod", appointmentsMethods, "None"), isTested: true },
  deleteAfterProcessing: flag("processanddeleteemails"),
};

/**
 * What is read of a row of the `mailbox` table, in the words of its options. Nothing else is selected: a full row carries images and
 * synchronisation state of up to a gigabyte.
 */
const MAILBOX = {
  id: column("mailboxid", String),
  name: column("name", text),
  /** Lower case. */
  emailAddress: column("emailaddress", (value) => text(value).toLowerCase()),
  ownerId: column("_ownerid_value", optional),
  isForwardMailbox: column("isforwardmailbox", isTrue),
  /** Id of the user or queue the record belongs to; undefined on a forward mailbox. */
  regarding: column("_regardingobjectid_value", optional),
  serverProfileId: column("_emailserverprofile_value", optional),
  ...WRITTEN_TO_MAILBOX,
  usesCredentials: column("allowemailconnectortousecredentials", isTrue),
  userName: column("username", optional),
  /** All that can be read of a password. */
  isPasswordSet: column("ispasswordset", isTrue),
  approval: option("emailrouteraccessapproval", approvals, "Empty"),
  incomingStatus: option("incomingemailstatus", statuses, "NotRun"),
  outgoingStatus: option("outgoingemailstatus", statuses, "NotRun"),
  appointmentsContactsTasksStatus: option("actstatus", statuses, "NotRun"),
  /** ISO 8601; undefined when no test has finished. */
  testCompletedOn: column("testmailboxaccesscompletedon", (value) => {
    const completed = optional(value);
    return completed?.startsWith(NEVER) === true ? undefined : completed;
  }),
  isTestScheduled: column("testemailconfigurationscheduled", isTrue),
  /** What went wrong last, in Dynamics' words; undefined when nothing did. */
  lastError: columns(["lastsyncerror", "lastsyncerrorcode"], ({ lastsyncerror, lastsyncerrorcode }) => {
    const words = text(lastsyncerror).trim();
    return words === "" ? undefined : { words, code: codeOf(lastsyncerrorcode) };
  }),
  isActive: column("statecode", (value) => value === 0),
  /** When it was made, ISO 8601. */
  createdOn: column("createdon", optional),
};

/** A row of the `mailbox` table. */
export type MailboxRow = ReadBy<typeof MAILBOX> & { etag: string };

const COLUMNS = selected(MAILBOX);

const PROFILE = {
  id: column("emailserverprofileid", String),
  name: column("name", String),
  isActive: column("statecode", (value) => value === 0),
  /** Whether it is an Exchange server's; others synchronise no appointments, contacts and tasks. */
  isExchange: column("servertype", (value) => !NOT_EXCHANGE.includes(Number(value))),
  /** Whether it takes the credentials that a mailbox record carries. */
  takesMailboxCredentials: column("incomingcredentialretrieval", (value) => value === CREDENTIALS_OF_MAILBOX),
};

/** An e-mail server profile. */
export type ServerProfile = ReadBy<typeof PROFILE>;

/** How many addresses one question names: a person may have hundreds, and the address of a request has a limit. */
const ADDRESSES_AT_ONCE = 20;

/** The mailbox records, server profiles and the organisation of one Dataverse environment. */
export class Dataverse {
  readonly #api: DataverseApi;
  readonly #callers = new Map<string, Promise<DataverseRow>>();
  readonly #profiles = new Map<string, Promise<ServerProfile[]>>();

  constructor(api: DataverseApi) {
    this.#api = api;
  }

  /** Id of the organisation behind the environment; asked for once. */
  async organizationId(context: CallContext): Promise<string> {
    return String((await this.#caller(context)).OrganizationId);
  }

  /** Id of the user that the application is in Dynamics: which owns everything that has no declared owner. */
  async callerId(context: CallContext): Promise<string> {
    return String((await this.#caller(context)).UserId);
  }

  async #caller(context: CallContext): Promise<DataverseRow> {
    const action = "reading the Dataverse organisation";
    return once(this.#callers, "", async () => {
      const row = await this.#api.get("/WhoAmI", action, context);
      if (typeof row?.OrganizationId !== "string" || typeof row.UserId !== "string") {
        throw notWhatWasAsked("Dataverse", action);
      }
      return row;
    });
  }

  /** The mailbox record with this id, or undefined when Dataverse has none. */
  async mailbox(id: string, context: CallContext): Promise<MailboxRow | undefined> {
    const action = `reading the mailbox record ${id}`;
    const row = await this.#api.get(`/mailboxes(${id})?$select=${COLUMNS.join(",")}`, action, context);
    if (row !== undefined && String(row.mailboxid).toLowerCase() !== id.toLowerCase()) {
      throw notWhatWasAsked("Dataverse", action);
    }
    return row === undefined ? undefined : mailboxOf(row);
  }

  /** All mailbox records with one of these addresses: forward mailboxes, users' and queues'. */
  async mailboxesWithAddress(addresses: string | readonly string[], context: CallContext): Promise<MailboxRow[]> {
    const rows: DataverseRow[] = [];
    for (const some of chunks([addresses].flat(), ADDRESSES_AT_ONCE)) {
      const action = `looking for mailbox records with the address ${some.join(" or ")}`;
      rows.push(...(await this.#api.list(query("mailboxes", COLUMNS, { emailaddress: some }), action, context)));
    }
    return rows.map(mailboxOf);
  }

  /** The records of users and queues whose mail comes through a forward mailbox, whichever. */
  async mailboxesOnForwardMailbox(context: CallContext): Promise<MailboxRow[]> {
    const method = incomingMethods.indexOf("ForwardMailbox");
    const path = `/mailboxes?$select=${COLUMNS.join(",")}&$filter=${encodeURIComponent(`incomingemaildeliverymethod eq ${method}`)}`;
    const rows = await this.#api.list(path, "looking for mailbox records on Forward Mailbox", context);
    return rows.map(mailboxOf);
  }

  /** The mailbox records that Dynamics made for a user or queue: one, or none yet. */
  async mailboxesRegarding(id: string, context: CallContext): Promise<MailboxRow[]> {
    const path = query("mailboxes", COLUMNS, { _regardingobjectid_value: id });
    const rows = await this.#api.list(path, `looking for the mailbox record of ${id}`, context);
    return rows.map(mailboxOf);
  }

  /** The mailbox records that a user or team owns. */
  async mailboxesOwnedBy(id: string, context: CallContext): Promise<MailboxRow[]> {
    const path = query("mailboxes", COLUMNS, { _ownerid_value: id });
    const rows = await this.#api.list(path, `looking for the mailbox records that ${id} owns`, context);
    return rows.map(mailboxOf);
  }

  /**
   * Creates a mailbox record under an id chosen here. A record made this way is always a forward mailbox.
   *
   * @returns false when there is a row with this id already.
   */
  async createMailbox(id: string, columns: DataverseRow, action: string, context: CallContext): Promise<boolean> {
    return this.#api.create(`/mailboxes(${id})`, columns, action, context);
  }

  /**
   * Changes columns of a mailbox record that is still as it was read.
   *
   * @throws DataverseError of class `precondition` when somebody has changed it since.
   */
  async updateMailbox(row: MailboxRow, columns: DataverseRow, action: string, context: CallContext): Promise<void> {
    await this.#api.update(`/mailboxes(${row.id})`, row.etag, columns, action, context);
  }

  /** Deletes a mailbox record; gone already is success. Where Dynamics refuses an active one it is deactivated first. */
  async deleteMailbox(row: MailboxRow, action: string, context: CallContext): Promise<void> {
    const path = `/mailboxes(${row.id})`;
    try {
      await this.#api.delete(path, action, context);
    } catch (error) {
      if (!isServiceError(error) || error.status !== 405) {
        throw error;
      }
      // Whether a mailbox must be inactive before it goes is unverified; other tools deactivate first when they are told to.
      await this.#api.update(path, "*", { statecode: 1, statuscode: 2 }, action, context);
      await this.#api.delete(path, action, context);
    }
  }

  /** The server profiles with this name or id; asked for once in a deployment, which changes none. */
  async serverProfiles(nameOrId: string, context: CallContext): Promise<ServerProfile[]> {
    return once(this.#profiles, nameOrId.toLowerCase(), () => this.#listServerProfiles(nameOrId, context));
  }

  /** Names of all server profiles, for the error about a name that does not exist. */
  async serverProfileNames(context: CallContext): Promise<string[]> {
    const path = "/emailserverprofiles?$select=emailserverprofileid,name";
    const rows = await this.#api.list(path, "reading the names of the server profiles", context);
    return rows.map(({ name }) => String(name)).sort();
  }

  async #listServerProfiles(nameOrId: string, context: CallContext): Promise<ServerProfile[]> {
    const path = query("emailserverprofiles", selected(PROFILE), {
      [isGuid(nameOrId) ? "emailserverprofileid" : "name"]: nameOrId,
    });
    const rows = await this.#api.list(path, `looking for the server profile ${nameOrId}`, context);
    return rows.map((row) => read(PROFILE, row));
  }

  /** Id of the organisation's default server profile, if it has one. */
  async defaultServerProfileId(context: CallContext): Promise<string | undefined> {
    const [organization] = await this.#api.list(
      "/organizations?$select=organizationid,_defaultemailserverprofileid_value",
      "reading the organisation's default server profile",
      context,
    );
    return optional(organization?._defaultemailserverprofileid_value);
  }
}

/** A mailbox record as Dataverse answers. */
export function mailboxOf(row: DataverseRow): MailboxRow {
  return { ...read(MAILBOX, row), etag: etagOf(row) };
}

/** The version of a row, as it was read. */
export function etagOf(row: DataverseRow): string {
  return String(row["@odata.etag"] ?? "*");
}

/** A column that holds the place of one of some words. @param otherwise where it holds nothing, or a place that is not known here. */
function option<Word extends string>(name: string, words: readonly Word[], otherwise: NoInfer<Word>): Read<Word> {
  return column(name, (value) => words[Number(value ?? Number.NaN)] ?? otherwise);
}

/** {@link option} that is written as well. */
function choice<Word extends string>(name: string, words: readonly Word[], otherwise: NoInfer<Word>): Written<Word> {
  return { ...option(name, words, otherwise), values: words, write: (word) => ({ [name]: words.indexOf(word) }) };
}

/** A column that holds true or false. */
function flag(name: string): Written<boolean> {
  return { ...column(name, isTrue), values: [true, false], write: (value) => ({ [name]: value }) };
}

/** A code that a column holds as a signed number, as Dynamics prints it. */
function codeOf(value: unknown): string | undefined {
  return typeof value === "number" && value !== 0
    ? `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, "0")}`
    : undefined;
}

/** `incomingemailfilteringmethod`: which messages become records, by value (Microsoft's reference of the queue table). */
export const emailFilters = [
  "All",
  "ResponsesToDynamicsEmail",
  "LeadsContactsAccounts",
  "EmailEnabledRecords",
  "None",
] as const;

/** The columns of a queue that are written as they are read. */
const WRITTEN_TO_QUEUE = {
  ...WRITTEN_TO_BOTH,
  emailFiltering: choice("incomingemailfilteringmethod", emailFilters, "All"),
};

/** What is read of a row of the `queue` table, in the words of its options. */
const QUEUE = {
  id: column("queueid", String),
  name: column("name", text),
  /** Lower case; undefined where it has none. */
  emailAddress: column("emailaddress", (value) => optional(value)?.toLowerCase()),
  ownerId: column("_ownerid_value", optional),
  ...WRITTEN_TO_QUEUE,
  /** Id of its mailbox record; undefined while Dynamics has made none. */
  mailboxId: column("_defaultmailbox_value", optional),
  /** How many queue items it holds. */
  itemCount: column("numberofitems", (value) => Number(value ?? 0)),
  isActive: column("statecode", (value) => value === 0),
  /** When it was made, ISO 8601. */
  createdOn: column("createdon", optional),
};

/** A row of the `queue` table. */
export type QueueRow = ReadBy<typeof QUEUE> & { etag: string };

const QUEUE_COLUMNS = selected(QUEUE);

/** What the columns of a mailbox record hold that are written as they are read. */
export type MailboxValues = ReadBy<typeof WRITTEN_TO_MAILBOX>;
/** What those of a mailbox record or a queue hold. */
export type WrittenValues = MailboxValues & ReadBy<typeof WRITTEN_TO_QUEUE>;

/** The columns of mailbox records and queues that are written as they are read. */
export const writtenColumns: { readonly [Name in keyof WrittenValues]: Written<WrittenValues[Name]> } = {
  ...WRITTEN_TO_MAILBOX,
  ...WRITTEN_TO_QUEUE,
};

/** Queues of one Dataverse environment. */
export class Queues {
  readonly #api: DataverseApi;

  constructor(api: DataverseApi) {
    this.#api = api;
  }

  /** The queue with this id, or undefined when Dataverse has none. */
  async withId(id: string, context: CallContext): Promise<QueueRow | undefined> {
    const action = `reading the queue ${id}`;
    const row = await this.#api.get(`/queues(${id})?$select=${QUEUE_COLUMNS.join(",")}`, action, context);
    if (row !== undefined && String(row.queueid).toLowerCase() !== id.toLowerCase()) {
      throw notWhatWasAsked("Dataverse", action);
    }
    return row === undefined ? undefined : queueOf(row);
  }

  /** The queues with this id, address or name. */
  async named(identifier: string, context: CallContext): Promise<QueueRow[]> {
    const column = isGuid(identifier) ? "queueid" : identifier.includes("@") ? "emailaddress" : "name";
    const path = query("queues", QUEUE_COLUMNS, { [column]: identifier });
    return (await this.#api.list(path, `looking for the queue ${identifier}`, context)).map(queueOf);
  }

  /** The queues that a user or team owns. */
  async ownedBy(id: string, context: CallContext): Promise<QueueRow[]> {
    const path = query("queues", QUEUE_COLUMNS, { _ownerid_value: id });
    return (await this.#api.list(path, `looking for the queues that ${id} owns`, context)).map(queueOf);
  }

  /** Creates a queue under an id chosen here. @returns false when there is a row with this id already. */
  async create(id: string, columns: DataverseRow, action: string, context: CallContext): Promise<boolean> {
    return this.#api.create(`/queues(${id})`, columns, action, context);
  }

  /** Changes columns of a queue that is still as it was read. */
  async update(
    queue: Pick<QueueRow, "id" | "etag">,
    columns: DataverseRow,
    action: string,
    context: CallContext,
  ): Promise<void> {
    await this.#api.update(`/queues(${queue.id})`, queue.etag, columns, action, context);
  }

  /** Deletes a queue; gone already is success. */
  async delete(id: string, action: string, context: CallContext): Promise<void> {
    await this.#api.delete(`/queues(${id})`, action, context);
  }
}

/** A queue as Dataverse answers. */
export function queueOf(row: DataverseRow): QueueRow {
  return { ...read(QUEUE, row), etag: etagOf(row) };
}
