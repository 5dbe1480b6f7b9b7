import type { Settings } from "../tenant";
import type { Column } from "./columns";
import type { Table } from "./schema";

/** HTTP statuses Dataverse answers with when it refuses. */
type Status = 400 | 401 | 403 | 404 | 405 | 412 | 413 | 415 | 429;

/** A refusal: HTTP status, Dataverse's error code (hexadecimal text, or empty) and message. */
export class DataverseError extends Error {
  override readonly name = "DataverseError";

  constructor(
    readonly status: Status,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export function unauthorized(): DataverseError {
  return new DataverseError(401, "", "The token is missing, malformed, expired or meant for another resource.", {
    "WWW-Authenticate": "Bearer",
  });
}

/** The application has no application user in this environment. */
export function notAMember(): DataverseError {
  return new DataverseError(403, "0x80072560", "The user is not a member of the organization.");
}

export function userDisabled(userId: string): DataverseError {
  return new DataverseError(403, "0x80040225", `The specified user(Id = ${userId}) is disabled.`);
}

/** `privilege` is the privilege's name, such as prvWriteMailbox. */
export function privilegeDenied(userId: string, roleCount: number, privilege: string, table: Table): DataverseError {
  return new DataverseError(
    403,
    "0x80040220",
    `Principal user (Id=${userId}, type=8, roleCount=${roleCount}) is missing ${privilege} privilege on OTC=${table.objectTypeCode} for entity '${table.name}'.`,
  );
}

export function objectDoesNotExist(table: Table, id: string): DataverseError {
  return new DataverseError(404, "0x80040217", `Entity '${table.schemaName}' With Id = ${id} Does Not Exist`);
}

export function resourceNotFound(segment: string): DataverseError {
  return new DataverseError(404, "0x80060888", `Resource not found for the segment '${segment}'.`);
}

/** A column named in a query that the table lacks. */
export function noSuchProperty(name: string, table: string): DataverseError {
  return new DataverseError(
    400,
    "0x80060888",
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table}'.`,
  );
}

export function badQuery(reason: string): DataverseError {
  return new DataverseError(400, "0x80060888", reason);
}

/** Something the real service can and the local tenant cannot. */
export function notSimulated(what: string): DataverseError {
  return new DataverseError(400, "0x80060888", `${what} is not simulated by the local tenant.`);
}

/** A resource of the real service that the local tenant has not. */
export function resourceNotSimulated(segment: string): DataverseError {
  return new DataverseError(404, "0x80060888", `'${segment}' is not simulated by the local tenant.`);
}

/** A body that cannot be read as a row of the table. */
export function badPayload(table: Table, reason: string): DataverseError {
  return inPayload(table, `Microsoft.OData.ODataException: ${reason}`);
}

export function unknownPayloadProperty(table: Table, name: string): DataverseError {
  const type = `Microsoft.Dynamics.CRM.${table.name}`;
  return inPayload(
    table,
    `Microsoft.Crm.CrmException: Invalid property '${name}' was found in entity '${type}'. ---> Microsoft.OData.ODataException: The property '${name}' does not exist on type '${type}'. Make sure to only use property names that are defined by the type.`,
  );
}

function inPayload(table: Table, inner: string): DataverseError {
  return new DataverseError(
    400,
    "0x80048d19",
    `Error identified in Payload provided by the user for Entity :'${table.entitySet}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : ${inner}`,
  );
}

/** A column that can only be written, such as a password, is asked for. */
export function columnNotReadable(table: Table, column: string): DataverseError {
  return new DataverseError(
    400,
    "0x80041a08",
    `Retrieve can only return columns that are valid for read. Column : ${column}. Entity : ${table.name}`,
  );
}

/** A message that the table does not have: users are disabled, not deleted. */
export function messageNotSupported(message: string, table: Table): DataverseError {
  return new DataverseError(
    405,
    "0x80040800",
    `The '${message}' method does not support entities of type '${table.name}'.`,
  );
}

/** An `@odata.bind` for a name that is no navigation property (case matters). */
export function undeclaredProperty(table: Table, name: string): DataverseError {
  return badPayload(
    table,
    `An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.`,
  );
}

/** `_x_value` in a body. */
export function directLookupUpdate(): DataverseError {
  return new DataverseError(
    400,
    "0x80060888",
    "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
  );
}

export function readOnlyColumn(table: Table, column: Column, operation: "create" | "update"): DataverseError {
  return new DataverseError(
    400,
    "0x80040203",
    `Attribute '${column.name}' of entity '${table.name}' is not valid for ${operation}.`,
  );
}

export function stringTooLong(table: Table, column: Column): DataverseError {
  return new DataverseError(
    400,
    "0x80044331",
    `A validation error occurred.  The length of the '${column.name}' attribute of the '${table.name}' entity exceeded the maximum allowed length of '${column.max}'.`,
  );
}

export function outOfRange(table: Table, column: Column, value: unknown): DataverseError {
  const accepted =
    column.options === undefined
      ? `Accepted range: ${column.range?.join(" to ")}`
      : `Accepted Values: ${Object.keys(column.options).join(",")}`;
  return new DataverseError(
    400,
    "0x8004431A",
    `A validation error occurred. The value ${String(value)} of '${column.name}' on record of type '${table.name}' is outside the valid range. ${accepted}`,
  );
}

export function requiredFieldMissing(table: Table, column: string): DataverseError {
  return new DataverseError(
    400,
    "0x80040200",
    `The required field '${column}' is missing on entity '${table.name}' or is null.`,
  );
}

export function invalidArgument(reason: string): DataverseError {
  return new DataverseError(400, "0x80040203", reason);
}

export function invalidStatus(table: Table, status: number, stateName: string): DataverseError {
  return new DataverseError(
    400,
    "0x80048408",
    `${status} is not a valid status code for state code ${table.schemaName}State.${stateName} on ${table.name}.`,
  );
}

/** A method the resource does not take, such as PATCH on a collection. */
export function notSupported(method: string, what: string): DataverseError {
  return new DataverseError(405, "0x80040315", `The ${method} method is not supported on ${what}.`);
}

export function deleteForbiddenByAssociation(table: Table, reason: string): DataverseError {
  return new DataverseError(405, "0x80040227", `The ${table.name} cannot be deleted: ${reason}`);
}

export function versionMismatch(): DataverseError {
  return new DataverseError(
    412,
    "0x80060882",
    "The version of the existing record doesn't match the RowVersion property provided.",
  );
}

/** A row with the chosen id exists already. */
export function duplicateRecord(): DataverseError {
  return new DataverseError(412, "0x80040237", "A record with matching key values already exists.");
}

export function unsupportedMediaType(): DataverseError {
  return new DataverseError(415, "", "The request body must be application/json.");
}

export function odataVersionRequired(header: string): DataverseError {
  return new DataverseError(400, "0x80060888", `The header '${header}' must be sent with the value 4.0.`);
}

type Limits = Settings["serviceProtection"];

/** More requests within the window than the limit. `retryAfter` in seconds, undefined to leave it out; `left` are the headers that tell what is left. */
export function tooManyRequests(
  limits: Limits,
  retryAfter: number | undefined,
  left: Record<string, string>,
): DataverseError {
  const message = `Number of requests exceeded the limit of ${limits.requests} over time window of ${limits.window / 1000} seconds.`;
  return throttled("0x80072322", message, retryAfter, left);
}

/** More execution time within the window than the limit. */
export function tooMuchExecutionTime(
  limits: Limits,
  retryAfter: number | undefined,
  left: Record<string, string>,
): DataverseError {
  const message = `Combined execution time of incoming requests exceeded limit of ${limits.executionTime.toLocaleString("en-US")} milliseconds over time window of ${limits.window / 1000} seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.`;
  return throttled("0x80072321", message, retryAfter, left);
}

/** More requests in flight than the limit. */
export function tooManyConcurrentRequests(
  limits: Limits,
  retryAfter: number | undefined,
  left: Record<string, string>,
): DataverseError {
  const message = `Number of concurrent requests exceeded the limit of ${limits.concurrency}.`;
  return throttled("0x80072326", message, retryAfter, left);
}

function throttled(
  code: string,
  message: string,
  retryAfter: number | undefined,
  left: Record<string, string>,
): DataverseError {
  return new DataverseError(429, code, message, {
    ...(retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) }),
    ...left,
  });
}

/** The caller may not approve e-mail addresses. */
export function approvalRefused(): DataverseError {
  return new DataverseError(
    400,
    "0x8009000B",
    "This operation can be performed only by an Office 365 Global or Exchange administrator, or by a user with the Delegated Mailbox Approver role.",
  );
}

export function forwardMailboxWithRegarding(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E207",
    "A forward mailbox cannot be created for a specific user or a queue. Remove the regarding field and try again.",
  );
}

export function forwardMailboxNeedsAddress(): DataverseError {
  return new DataverseError(400, "0x8005E211", "An email address is a required field in case of forward mailbox.");
}

export function forwardMailboxIncoming(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E212",
    "Forward mailbox incoming delivery method can only be None or Server-Side Synchronization or Email Router.",
  );
}

export function forwardMailboxOutgoing(): DataverseError {
  return new DataverseError(400, "0x8005E213", "Forward mailbox outgoing delivery method can only be None.");
}

export function deleteAfterProcessingOnUserMailbox(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E233",
    "The Delete Emails after Processing option cannot be set to Yes for user mailboxes.",
  );
}

export function addressTiedToOwner(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E208",
    "The email address of the mailbox cannot be changed while it is tied to a user or queue. Change the email address of the user or queue.",
  );
}

export function credentialNotSpecified(): DataverseError {
  return new DataverseError(400, "0x8005E209", "The user name must be specified when credentials are to be used.");
}

export function passwordRequired(): DataverseError {
  return new DataverseError(400, "0x8005E24E", "The password must be specified when credentials are to be used.");
}

export function serverTypeWithoutAppointments(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E247",
    "Appointments, contacts and tasks can't be synchronized because the email server type is not supported.",
  );
}

export function queueHasItems(): DataverseError {
  return new DataverseError(
    400,
    "0x80631117",
    "You can't delete this queue because it has items assigned to it. Assign these items to another user, team, or queue and try again.",
  );
}

/** `CannotDeleteQueueWithRouteRules`. */
export function queueHasRoutingRules(): DataverseError {
  return new DataverseError(
    400,
    "0x80731118",
    "You can't delete this queue because one or more routing rule sets use this queue. Remove the queue from the routing rule sets and try again.",
  );
}

/** A disabled user cannot be made an owner. */
export function ownerDisabled(): DataverseError {
  return new DataverseError(400, "0x8004022b", "The specified owner has been disabled.");
}

/** A team without a security role cannot be made an owner. */
export function teamWithoutRoles(): DataverseError {
  return new DataverseError(400, "0x80042f0a", "The team has not been assigned any roles.");
}

/** A mailbox is changed while its Test & Enable runs. */
export function testInProgress(): DataverseError {
  return new DataverseError(
    400,
    "0x8005E248",
    "Test email configuration scheduled is in progress. Please save after completion of test.",
  );
}
