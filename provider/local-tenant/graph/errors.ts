/** One entry of `error.details`: which member is wrong and why. */
export interface ErrorDetail {
  code: string;
  message: string;
  target: string;
}

/** An answer of Graph that is an error. The service adds date and request ids when it writes the body. */
export class GraphError extends Error {
  override readonly name = "GraphError";

  constructor(
    /** HTTP status. */
    readonly status: number,
    /** Graph's own code; what clients branch on. */
    readonly code: string,
    message: string,
    readonly details: readonly ErrorDetail[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** 401: no token, or one that Graph does not accept. */
export function invalidAuthenticationToken(message: string): GraphError {
  return new GraphError(401, "InvalidAuthenticationToken", message, [], {
    "WWW-Authenticate":
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
  });
}

/** 403 of the directory: the token's roles do not admit the request. */
export function authorizationRequestDenied(): GraphError {
  return new GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
}

/** 403 of the mailbox store: missing role, or an application it does not let in. */
export function errorAccessDenied(): GraphError {
  return new GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.");
}

/** 404 of the directory for an id or user principal name that names nothing. */
export function resourceNotFound(id: string): GraphError {
  return new GraphError(
    404,
    "Request_ResourceNotFound",
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  );
}

/** 404 of the mailbox store when nobody has that id or user principal name. */
export function mailboxOwnerNotFound(): GraphError {
  return new GraphError(404, "ResourceNotFound", "Resource could not be discovered.");
}

/** 404: the user has no mailbox, or it is soft-deleted, or it is not ready yet. */
export function mailboxNotEnabled(): GraphError {
  return new GraphError(
    404,
    "MailboxNotEnabledForRESTAPI",
    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
  );
}

/** 404: no rule, message, attachment or folder of that id. */
export function itemNotFound(): GraphError {
  return new GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.");
}

/** 400: a path Graph has not. */
export function segmentNotFound(segment: string): GraphError {
  return new GraphError(400, "BadRequest", `Resource not found for the segment '${segment}'.`);
}

/** 400: an API version other than v1.0. */
export function invalidVersion(version: string): GraphError {
  return new GraphError(400, "BadRequest", `Invalid version: ${version}. The local tenant simulates v1.0 only.`);
}

/** 405: the path exists, the method on it does not. */
export function methodNotAllowed(): GraphError {
  return new GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
}

/** 400: something Graph does and the local tenant does not. */
export function notSimulated(what: string): GraphError {
  return new GraphError(400, "BadRequest", `${what} is not simulated by the local tenant.`);
}

/** 400: no body where one is needed. */
export function emptyPayload(): GraphError {
  return new GraphError(400, "BadRequest", "Empty Payload. JSON content expected.");
}

/** 400: a body that is not a JSON object. */
export function unreadablePayload(): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
  );
}

/** 400: a body that comes without its type. */
export function contentTypeMissing(): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
  );
}

/** 400: a body of another type than JSON. */
export function contentTypeNotJson(): GraphError {
  return new GraphError(400, "BadRequest", "Entity only allows writes with a JSON Content-Type header.");
}

/** 400: a malformed percent escape in path or query. */
export function malformedUrl(): GraphError {
  return new GraphError(400, "BadRequest", "The request URL is malformed.");
}

/** 400: a query option given twice. */
export function duplicateQueryOption(option: string): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    `Query option '${option}' was specified more than once, but it must be specified at most once.`,
  );
}

/** 400: a query option with a value that it cannot have; `rule` says which ones it can. */
export function invalidOptionValue(option: string, value: string, rule: string): GraphError {
  return new GraphError(400, "BadRequest", `Invalid value '${value}' for ${option} query option found. ${rule}`);
}

/** 400: a `$orderby` that cannot be read. */
export function invalidOrder(orderby: string): GraphError {
  return new GraphError(400, "BadRequest", `Syntax error at position ${orderby.length} in '${orderby}'.`);
}

/** 400: a query option the collection does not take. */
export function unsupportedQueryOption(option: string): GraphError {
  return new GraphError(400, "Request_UnsupportedQuery", `'${option}' is not supported by the service.`);
}

/** 400: `$select` of a member the type has not. */
export function unknownSelect(member: string, type: string): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    `Parsing OData Select and Expand failed: Could not find a property named '${member}' on type '${type}'.`,
  );
}

/** 400: `$filter` or `$orderby` of a member the type has not. */
export function unknownFilterProperty(member: string, type: string): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    `Invalid filter clause: Could not find a property named '${member}' on type '${type}'.`,
  );
}

/** 400: a `$filter` that is no filter. */
export function invalidFilter(why: string): GraphError {
  return new GraphError(400, "BadRequest", `Invalid filter clause: ${why}`);
}

/** 400: a filter Graph understands and this property does not support. */
export function unsupportedFilter(property: string, resource: string): GraphError {
  return new GraphError(
    400,
    "Request_UnsupportedQuery",
    `Unsupported or invalid query filter clause specified for property '${property}' of resource '${resource}'.`,
  );
}

/** 400: a collection that takes no filter. */
export function noFilter(): GraphError {
  return new GraphError(400, "Request_UnsupportedQuery", "Filtered searches against this resource are not supported.");
}

/** 400: an id that is no GUID, where only those are taken. */
export function invalidGuid(): GraphError {
  return new GraphError(400, "Request_BadRequest", "Invalid GUID specified.");
}

/** 400: more ids than one request may ask for. */
export function tooManyIds(most: number): GraphError {
  return new GraphError(400, "Request_BadRequest", `Number of included identifiers cannot exceed '${most}'.`);
}

/** 400: an advanced query without its header. */
export function consistencyLevelMissing(operator: string): GraphError {
  return new GraphError(
    400,
    "Request_UnsupportedQuery",
    `Operator '${operator}' is not supported because the 'ConsistencyLevel:eventual' header or the '$count' parameter is missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information`,
  );
}

/** 400: `$search` without its header. */
export function searchNeedsConsistencyLevel(): GraphError {
  return new GraphError(
    400,
    "Request_UnsupportedQuery",
    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
  );
}

/** 400: a `$search` that is no search. */
export function invalidSearch(text: string): GraphError {
  return new GraphError(400, "Request_BadRequest", `Syntax error: the search expression '${text}' is not valid.`);
}

/** 400: `$orderby` where it is not possible. */
export function sortingNotSupported(property: string, resource: string): GraphError {
  return new GraphError(
    400,
    "Request_UnsupportedQuery",
    `Sorting not supported for property '${property}' of resource '${resource}' in the current query.`,
  );
}

/** 400: `$top` outside the limits. */
export function invalidPageSize(given: string, largest: number): GraphError {
  return new GraphError(
    400,
    "Request_UnsupportedQuery",
    `Invalid page size specified: '${given}'. Must be between 1 and ${largest} inclusive.`,
  );
}

/** 400: a `$skiptoken` Graph did not make or does not know any more. */
export function expiredPageToken(): GraphError {
  return new GraphError(
    400,
    "Directory_ExpiredPageToken",
    "The specified page token value has expired and can no longer be included in your request.",
  );
}

/** 400: a create without a member it needs. */
export function valueRequired(property: string, resource: string): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    `A value is required for property '${property}' of resource '${resource}'.`,
    [{ code: "MissingValue", message: `A value is required for property '${property}'.`, target: property }],
  );
}

/** 400: a value of the wrong type or outside the limits. */
export function invalidValue(property: string, resource: string): GraphError {
  const message = `Invalid value specified for property '${property}' of resource '${resource}'.`;
  return new GraphError(400, "Request_BadRequest", message, [{ code: "InvalidValue", message, target: property }]);
}

/** 400: a member the type has not. */
export function invalidProperty(property: string): GraphError {
  return new GraphError(400, "Request_BadRequest", `Invalid property '${property}'.`);
}

/** 400: a member that only reads. */
export function readOnlyProperty(property: string): GraphError {
  const message = `Property '${property}' is read-only and cannot be set.`;
  return new GraphError(400, "Request_BadRequest", message, [{ code: "ReadOnlyProperty", message, target: property }]);
}

/** 400: a user principal name outside the verified domains. */
export function unverifiedDomain(): GraphError {
  const message =
    "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.";
  return new GraphError(400, "Request_BadRequest", message, [
    { code: "InvalidValue", message, target: "userPrincipalName" },
  ]);
}

/** 400: user principal name or address taken; `holder` is who has it, as `User_` and the object id. */
export function objectConflict(property: string, holder: string): GraphError {
  const message = `Another object with the same value for property ${property} already exists.`;
  return new GraphError(400, "Request_BadRequest", message, [
    { code: "ObjectConflict", message, target: property },
    { code: "ConflictingObjects", message, target: holder },
  ]);
}

/** 400: a write of a member that is mastered on-premises. */
export function directorySynced(): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
  );
}

/** 400: an action without all its parameters. */
export function missingParameters(action: string, missing: readonly string[]): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    `One or more parameters of the operation '${action}' are missing from the request payload. The missing parameters are: ${missing.join(", ")}.`,
  );
}

/** 400: no licence without a country. */
export function usageLocationMissing(): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    "License assignment cannot be done for user with invalid usage location.",
  );
}

/** 400: the tenant has no such subscription. */
export function unknownLicense(skuId: string): GraphError {
  return new GraphError(400, "Request_BadRequest", `License ${skuId} does not correspond to a valid company License.`);
}

/** 400: all seats are taken. */
export function noAvailableLicenses(skuId: string): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    `Subscription with SKU ${skuId} does not have any available licenses.`,
  );
}

/** 400: two licences carry plans that exclude each other. */
export function mutuallyExclusivePlans(one: string, other: string): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    `License assignment failed because service plans ${one} and ${other} are mutually exclusive.`,
  );
}

/** 400: a disabled plan that is not in the licence. */
export function unknownServicePlan(plan: string, skuId: string): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    `License assignment failed because service plan ${plan} is not part of the license ${skuId}.`,
  );
}

/** 400: removing a licence the user has not. */
export function licenseNotAssigned(): GraphError {
  return new GraphError(400, "Request_BadRequest", "User does not have a corresponding license.");
}

/** 400: removing a licence that a group gives. */
export function licenseInherited(): GraphError {
  return new GraphError(
    400,
    "Request_BadRequest",
    "User license is inherited from a group membership and it cannot be removed directly from the user.",
  );
}

/** 400 of the mailbox store: a body it cannot read into the type. */
export function requestBodyRead(message: string): GraphError {
  return new GraphError(400, "RequestBodyRead", message);
}

/** 400 of the mailbox store: a literal that is no value of its type. */
export function unreadableLiteral(literal: unknown, type: string): GraphError {
  return requestBodyRead(`Cannot convert the literal '${String(literal)}' to the expected type '${type}'.`);
}

/** 400 of the mailbox store: a member the type has not. */
export function unknownMember(member: string, type: string): GraphError {
  return requestBodyRead(
    `The property '${member}' does not exist on type '${type}'. Make sure to only use property names that are defined by the type.`,
  );
}

/** 400 of the mailbox store: an enumeration value it has not. */
export function unknownEnumValue(value: unknown): GraphError {
  return new GraphError(400, "InvalidArguments", `Requested value '${String(value)}' was not found.`);
}

/** 400 of the mailbox store: an interval that ends before it starts. */
export function invalidTimeSettings(): GraphError {
  return new GraphError(400, "ErrorInvalidTimeSettings", "Start Time should occur before End Time.");
}

/** 400 of the mailbox store: replies are scheduled for a time that is over, given just now or kept from before. */
export function scheduleIsOver(): GraphError {
  return new GraphError(
    400,
    "ErrorInvalidTimeSettings",
    "The scheduled duration for sending automatic replies isn't valid.",
  );
}

/** 400 of the mailbox store: a zone that is neither Windows' nor IANA's. */
export function invalidTimeZone(): GraphError {
  return new GraphError(400, "InvalidTimeZone", "Time Zone settings provided are invalid.");
}

/** 400 of the mailbox store: a date or time format that the mailbox's language does not have; `text` has the list. */
export function invalidFormat(text: string): GraphError {
  return new GraphError(400, "InvalidArguments", text);
}

/** 400 of the mailbox store: a locale it does not know. */
export function invalidLocale(locale: unknown): GraphError {
  return new GraphError(400, "InvalidArguments", `The locale '${String(locale)}' is not valid.`);
}

/** 400 of the mailbox store: a member that only reads. */
export function readOnlyMember(member: string): GraphError {
  return new GraphError(400, "ErrorInvalidPropertySet", `Property '${member}' is read-only and cannot be set.`);
}

/** 400 of the mailbox store: an impossible rule, by the code of Exchange Web Services. */
export function invalidRuleOfExchange(message: string): GraphError {
  return new GraphError(400, "ErrorInboxRulesValidationError", message);
}

/** 400 of the mailbox store: a rule without a member it needs, or with an impossible one. */
export function invalidRule(message: string): GraphError {
  return new GraphError(400, "ErrorInvalidArgument", message);
}

/** 400 of the mailbox store: a rule that cannot be changed, moved or deleted through the API. */
export function readOnlyRule(): GraphError {
  return new GraphError(
    400,
    "ErrorNotSupportedMessageRule",
    "The message rule is not supported and cannot be changed.",
  );
}

/** 400 of the mailbox store: the enabled rules together are above 256 KB. */
export function rulesOverQuota(): GraphError {
  return new GraphError(
    400,
    "ErrorRulesOverQuota",
    "The rule operation failed because the rules of the mailbox are above their quota.",
  );
}

/** 429 of the mailbox store: too many requests of one application in flight. */
export function mailboxConcurrency(): GraphError {
  return new GraphError(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", [], {
    "Retry-After": "1",
  });
}

/** 400: a batch that is none. */
export function invalidBatch(why: string): GraphError {
  return new GraphError(400, "BadRequest", `Invalid batch payload format. ${why}`);
}

/** 400: a batch with a write that lacks its body, or the type of it. */
export function bodylessWrite(id: string): GraphError {
  return new GraphError(400, "BadRequest", `Write request id : ${id} does not contain Content-Type header or body.`);
}

/** 400: a batch whose dependencies are neither a chain nor none at all. */
export function mixedBatch(): GraphError {
  return new GraphError(400, "BadRequest", "Batch should be either fully sequential or fully parallel.");
}

/** 400: a dependency on a request that is not there, or not before. */
export function invalidDependency(id: string): GraphError {
  return new GraphError(400, "BadRequest", `Invalid dependency for request Id: ${id}.`);
}

/** 400: what is only for a signed-in user. */
export function delegatedOnly(): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    "/me request is only valid with delegated authentication flow, which is not simulated by the local tenant.",
  );
}

/** 400: more than 20 requests in one batch. */
export function batchTooLarge(count: number): GraphError {
  return new GraphError(
    400,
    "BadRequest",
    `The number of requests in the batch, ${count}, is above the maximum of 20.`,
  );
}

/** 424 inside a batch: a request it depends on failed. */
export function failedDependency(): GraphError {
  return new GraphError(424, "FailedDependency", "A request that this request depends on failed.");
}

/** 500: a mistake of the local tenant itself. */
export function internalError(message: string): GraphError {
  return new GraphError(500, "InternalServerError", `The local tenant failed: ${message}`);
}
