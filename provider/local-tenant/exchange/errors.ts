import { randomUUID } from "node:crypto";

/**
 * Every error the Exchange side of the tenant knows, one named factory each. The service tells them apart by the exception type
 * inside the body; the HTTP status says little.
 */
export class ExchangeFault extends Error {
  override readonly name = "ExchangeFault";
  readonly status: number;
  /** Exception type with its namespace, as the service prints it. */
  readonly type: string;
  readonly body: { error: Record<string, unknown> };

  constructor(status: number, type: string, text: string, body: { error: Record<string, unknown> }) {
    super(text);
    this.status = status;
    this.type = type;
    this.body = body;
  }

  /** Whether a cmdlet ran and failed; otherwise the call never came to it. */
  get isCmdlets(): boolean {
    return this.body.error.message === "Error executing cmdlet";
  }

  /** The value of the `X-ExceptionType` header: the type without namespace. */
  get shortType(): string {
    return this.type.slice(this.type.lastIndexOf(".") + 1);
  }
}

const tasks = "Microsoft.Exchange.Configuration.Tasks";
const recipientTasks = "Microsoft.Exchange.Management.RecipientTasks";
const objectModel = "Microsoft.Exchange.Configuration.ObjectModel";
/** The gateway's own binder, not PowerShell's. */
const invocation = "Microsoft.Exchange.AdminApi.CommandInvocation";
const odataException = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException";

/** Statuses of the errors for which somebody recorded one; every other cmdlet error is a 400. */
const statuses: readonly (readonly [typeEnd: string, status: number, code: string])[] = [
  ["ManagementObjectNotFoundException", 404, "NotFound"],
  ["ProxyAddressExistsException", 409, "Conflict"],
  ["ManagementObjectAmbiguousException", 500, "InternalServerError"],
];

/** What the gateway throws when a cmdlet ends in an error; it says nothing about the error. */
const gatewayException = "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException";

/** A cmdlet ran and failed: `details[0].message` is `code|type|text`, and only there is the error's own type. */
function cmdletFault(code: string, type: string, text: string): ExchangeFault {
  // @observed exchange.error-statuses: Cmdlet errors have code|type|text in details; not found is 404, a taken address 409, an
  // ambiguous identity 500, all others 400 [raw bodies in Microsoft365DSC #2998 and frappe ITSync; ScubaGear and graph2otel for 404
  // and 400]
  // @observed exchange.gateway-exception: internalexception of a cmdlet's error is DirectInvokeCmdletExecutionException: only
  // details names the error [raw body in Microsoft365DSC #2998]
  const [, status = 400, name = "BadRequest"] = statuses.find(([typeEnd]) => type.endsWith(`.${typeEnd}`)) ?? [];
  const exception = { message: `Exception of type '${gatewayException}' was thrown.`, type: gatewayException };
  const details = { code: "Context", target: "", message: `${code}|${type}|${text}` };
  return new ExchangeFault(status, type, text, bodyOf(name, "Error executing cmdlet", exception, details));
}

/** The binder refused: no details, the text stands in `innererror.internalexception` alone. */
function bindingFault(type: string, text: string, details?: string): ExchangeFault {
  const told = details === undefined ? undefined : { code: "Client", target: "", message: details };
  return new ExchangeFault(400, type, text, bodyOf("BadRequest", "Invalid Operation", { message: text, type }, told));
}

function bodyOf(code: string, message: string, exception: object, details?: object): ExchangeFault["body"] {
  return {
    error: {
      code,
      message,
      ...(details === undefined ? {} : { details: [details] }),
      innererror: {
        message,
        type: odataException,
        stacktrace: "",
        internalexception: { ...exception, stacktrace: "" },
      },
      "adminapi.warnings@odata.type": "#Collection(String)",
      "@adminapi.warnings": [],
    },
  };
}

function odataFault(status: number, code: string, text: string): ExchangeFault {
  return new ExchangeFault(status, odataException, text, {
    error: { code, message: text, innererror: { message: text, type: odataException, stacktrace: "" } },
  });
}

/** Domain controller named in not-found texts; clients must not compare it. */
const server = "AM6PR01A00DC001.EURPR01A00.PROD.OUTLOOK.COM";

// Identity

/** No object of that identity. */
export function objectNotFound(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex6F9304",
    `${tasks}.ManagementObjectNotFoundException`,
    `The operation couldn't be performed because object '${identity}' couldn't be found on '${server}'.`,
  );
}

/** A recipient named in a parameter other than Identity, or a trustee, that does not exist (yet). */
export function referencedObjectNotFound(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex94914C",
    `${tasks}.ManagementObjectNotFoundException`,
    `Couldn't find object "${identity}". Please make sure that it was spelled correctly or specify a different object.`,
  );
}

/** A recipient that is there but is no mailbox. */
export function mailboxDoesNotExist(): ExchangeFault {
  return cmdletFault("Ex41BAF5", `${tasks}.ManagementObjectNotFoundException`, "The specified mailbox doesn't exist.");
}

/** Several objects of that identity. */
export function objectAmbiguous(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex9E65A2",
    `${tasks}.ManagementObjectAmbiguousException`,
    `The operation couldn't be performed because object: '${identity}' matches multiple entries.`,
  );
}

// Conflicts

/** `holder` is the canonical name of the object that has the address, as the service prints it. */
export function addressInUse(address: string, holder: string): ExchangeFault {
  return cmdletFault(
    "Ex1472D1",
    `${objectModel}.ProxyAddressExistsException`,
    `The proxy address "${address}" is already being used by the proxy addresses or LegacyExchangeDN of "${holder}". Please choose another proxy address.`,
  );
}

/** Another recipient has that Name. */
export function nameInUse(name: string): ExchangeFault {
  return cmdletFault(
    "Ex505CC5",
    "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
    `The name "${name}" is already being used. Please try another name.`,
  );
}

/** Another recipient has that alias; `holder` is its canonical name. */
export function aliasInUse(alias: string, holder: string): ExchangeFault {
  return cmdletFault(
    "Ex2A7B90",
    `${recipientTasks}.RecipientTaskException`,
    `The value "${alias}" of property "Alias" is used by another recipient object "${holder}". Please specify a unique value.`,
  );
}

/** Another account of a recipient signs in with that name; `holder` is its canonical name. */
export function userPrincipalNameInUse(userPrincipalName: string, holder: string): ExchangeFault {
  return cmdletFault(
    "Ex9D701F",
    `${recipientTasks}.UserWithMatchingWindowsLiveIdExistsException`,
    `The Microsoft Online Services ID "${userPrincipalName}" is already being used by "${holder}". Please choose another ID.`,
  );
}

/** The synchronous write to Entra failed. The text says "transient" of everything, also of what no repetition cures. */
function dualWriteFailed(reason: string): ExchangeFault {
  return cmdletFault(
    "",
    "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException",
    "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and Exchange Online. " +
      `However, it failed. Detailed error message: ${reason} DualWrite (Graph) RequestId: ${randomUUID()} ` +
      "The issue may be transient and please retry a couple of minutes later. If issue persists, please see exception members for more information.",
  );
}

/** Entra has the value on an object that Exchange does not know. */
export function usedInEntra(property: "proxyAddresses" | "userPrincipalName"): ExchangeFault {
  return dualWriteFailed(
    `Unable to update the specified properties. Reason: ObjectConflict. Another object with the same value for property ${property} already exists.`,
  );
}

/** A value Entra does not take: a letter outside ASCII in an address, or in the alias that one is made of. */
export function invalidInEntra(property: "EmailAddresses"): ExchangeFault {
  return dualWriteFailed(`The value specified for property ${property} is incorrect. Reason: InvalidValue.`);
}

/** More addresses than one user may have in Entra. */
export function tooManyAddresses(count: number, limit: number): ExchangeFault {
  return dualWriteFailed(
    `This request results in the user having ${count} proxy addresses. The maximum number of proxy addresses permitted is ${limit}.`,
  );
}

// Values

/** An address in a domain the organisation does not have. */
export function domainNotAccepted(domain: string): ExchangeFault {
  return cmdletFault(
    "ExF1A5E3",
    `${objectModel}.NotAcceptedDomainException`,
    `You can't use the domain because it's not an accepted domain for your organization. Domain: "${domain}".`,
  );
}

/** A value the property cannot hold; `text` says why. */
export function invalidProperty(property: string, text: string): ExchangeFault {
  return cmdletFault(
    "ExA2D7B4",
    "Microsoft.Exchange.Data.DataValidationException",
    `${text} Property Name: ${property}`,
  );
}

/** A date or time format that the mailbox's language does not have; `text` has the list. */
export function invalidFormat(text: string): ExchangeFault {
  return cmdletFault("Ex6B3E0C", "Microsoft.Exchange.Data.DataValidationException", text);
}

/** Automatic replies scheduled for no time, or for one that is over. */
export function invalidSchedule(): ExchangeFault {
  return cmdletFault(
    "Ex5B0E12",
    "Microsoft.Exchange.InfoWorker.Common.OOF.InvalidScheduledOofDuration",
    "The scheduled duration for sending automatic replies isn't valid.",
  );
}

/** A quota above the one that must not be below it. */
export function quotaOrder(lower: string, lowerText: string, upper: string, upperText: string): ExchangeFault {
  return cmdletFault(
    "ExC3E104",
    "Microsoft.Exchange.Data.DataValidationException",
    `The value of property '${upper}' must be greater than or equal to that of property '${lower}'. ${lower}: '${lowerText}', ${upper}: '${upperText}'.`,
  );
}

/** A quota or size above what licences or the service allow. */
export function aboveLicense(property: string, value: string, limit: string): ExchangeFault {
  return cmdletFault(
    "Ex5B9AF0",
    `${recipientTasks}.RecipientTaskException`,
    `The value "${value}" of ${property} exceeds the maximum "${limit}" that the mailbox's plan and licenses allow.`,
  );
}

/** Something that only some licences carry. */
export function licenseNeeded(what: string, mailbox: string): ExchangeFault {
  return cmdletFault(
    "Ex8F1D66",
    `${recipientTasks}.RecipientTaskException`,
    `${what} can't be enabled for mailbox "${mailbox}" because it doesn't have a license that includes it.`,
  );
}

/** A write to a directory-synced mailbox that only its on-premises directory takes. */
export function synchronizedFromOnPremises(action: string, property: string, mailbox: string): ExchangeFault {
  return cmdletFault(
    "Ex9A31C7",
    `${tasks}.TaskInvalidOperationException`,
    `The operation on mailbox "${mailbox}" failed because it's out of the current user's write scope. The action '${action}', '${property}', can't be performed on the object '${mailbox}' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization.`,
  );
}

/** Send on Behalf for a recipient that can hold no permissions. */
export function invalidDelegate(recipient: string): ExchangeFault {
  return cmdletFault(
    "Ex4D2E88",
    `${recipientTasks}.RecipientTaskException`,
    `The recipient "${recipient}" isn't a mailbox, a mail user or a mail-enabled security group, and can't be granted Send on Behalf permission.`,
  );
}

/** A sender restriction that names a recipient of the wrong kind. */
export function invalidSender(parameter: string, recipient: string, wanted: string): ExchangeFault {
  return cmdletFault(
    "Ex4D2E88",
    `${recipientTasks}.RecipientTaskException`,
    `The recipient "${recipient}" can't be used for the parameter "${parameter}" because it isn't ${wanted}.`,
  );
}

// Permissions

/** The 501st permission entry; `mailbox` is a GUID. */
export function tooManyPermissions(mailbox: string): ExchangeFault {
  return cmdletFault(
    "",
    "System.InvalidOperationException",
    `The mailbox ${mailbox} has reached the limit of maximum allowed access control entries of 500. Clean existing entries and rearrange them leveraging groups for assigning the same permissions to multiple users.`,
  );
}

/** AutoMapping for an entry without Full Access. */
export function autoMappingWithoutFullAccess(): ExchangeFault {
  return cmdletFault(
    "",
    "System.InvalidOperationException",
    "Setting AutoMapping option to true for non-FullAccess rights is not allowed. AutoMapping=true option can only be used together with FullAccess permission.",
  );
}

/** Send As on a mailbox with an address in a domain that is no longer accepted. */
export function domainOfMailboxNotAccepted(mailbox: string, domain: string): ExchangeFault {
  return cmdletFault(
    "Ex3C55D9",
    `${objectModel}.NotAcceptedDomainException`,
    `The domain "${domain}" of an address of "${mailbox}" isn't an accepted domain. Use SkipDomainValidationForSharedMailbox to skip this check.`,
  );
}

// Deletion and restoration

/** PermanentlyDelete of a mailbox that is not in the soft-deleted store, or not named by ExchangeGuid or DN. */
export function notSoftDeleted(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex2F64B8",
    `${recipientTasks}.RecipientTaskException`,
    `The mailbox "${identity}" isn't soft-deleted. Only a soft-deleted mailbox can be permanently deleted, identified by its ExchangeGuid or distinguished name.`,
  );
}

/** PermanentlyDelete of a mailbox that a hold keeps. */
export function inactiveCannotBePurged(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex0D8C13",
    `${recipientTasks}.RecipientTaskException`,
    `The mailbox "${identity}" is an inactive mailbox and can't be permanently deleted while a hold applies to it.`,
  );
}

/** Restoration of a mailbox whose user is not in deletedItems. */
export function accountOfMailboxIsGone(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex71B2AC",
    `${recipientTasks}.RecipientTaskException`,
    `The soft-deleted mailbox "${identity}" has no deleted account to restore. WindowsLiveID and Password are required.`,
  );
}

/** A cmdlet ran on a server that is not the mailbox's, and the gateway does not carry it over. */
export function needsProxy(): ExchangeFault {
  return cmdletFault(
    "",
    `${tasks}.CmdletProxyNotAvailableException`,
    `Cmdlet needs proxy. Current Server FQDN : ${server.replace("DC001", "MB001")}, Required Server FQDN : ${server.replace("DC001", "MB002")}`,
  );
}

/** Something that even reads only for those who may write the mailbox. */
export function outOfWriteScope(mailbox: string): ExchangeFault {
  return cmdletFault(
    "Ex77A3C9",
    "Microsoft.Exchange.Data.Directory.ADScopeException",
    `The operation on mailbox "${mailbox}" failed because it's out of the current user's write scope.`,
  );
}

// Archive, rules

/** An archive that is there already, is missing, or is held. */
export function archiveState(text: string): ExchangeFault {
  return cmdletFault("Ex58E70F", `${recipientTasks}.RecipientTaskException`, text);
}

/** No inbox rule of that identity. */
export function ruleNotFound(identity: string): ExchangeFault {
  return cmdletFault(
    "Ex62E3A5",
    `${tasks}.ManagementObjectNotFoundException`,
    `Inbox rule "${identity}" wasn't found. Please make sure the rule identity is correct.`,
  );
}

/** Parameters that are valid each but make no sense together. */
export function invalidOperation(text: string): ExchangeFault {
  return cmdletFault("Ex3E5A1B", `${tasks}.TaskInvalidOperationException`, text);
}

// Binding

/** A parameter the cmdlet does not have. */
export function unknownParameter(parameter: string): ExchangeFault {
  const type = `${invocation}.AmbiguousParameterSetException`;
  const text = `Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. ${parameter}`;
  return bindingFault(type, text, `|${type}|${text}`);
}

/** Parameters that exist but do not go together in one parameter set. */
export function parametersDoNotGoTogether(parameters: readonly string[]): ExchangeFault {
  const type = `${invocation}.AmbiguousParameterSetException`;
  const text = `Parameter set cannot be resolved using the specified named parameters. Invalid cmdlet parameters specified. ${parameters.join(", ")}`;
  return bindingFault(type, text, `|${type}|${text}`);
}

/** A mandatory parameter that was not given. */
export function missingParameter(parameter: string): ExchangeFault {
  return bindingFault(
    "System.Management.Automation.ParameterBindingException",
    `Cannot process command because of one or more missing mandatory parameters: ${parameter}.`,
  );
}

/** A parameter that must not be null or empty. */
export function emptyParameter(parameter: string): ExchangeFault {
  return bindingFault(
    "System.Management.Automation.ParameterBindingValidationException",
    `Cannot bind argument to parameter '${parameter}' because it is null or empty.`,
  );
}

/** A value that is no member of the enumeration; the text lists the members. */
export function notAMember(
  parameter: string,
  value: string,
  typeName: string,
  members: readonly string[],
): ExchangeFault {
  return bindingFault(
    `${invocation}.ParameterTransformationException`,
    `Cannot process argument transformation on parameter '${parameter}'. Cannot convert value "${value}" to type "${typeName}". Error: "Unable to match the identifier name ${value} to a valid enumerator name. Specify one of the following enumerator names and try again: ${members.join(", ")}"`,
  );
}

/** A value of the wrong type. */
export function notConvertible(parameter: string, value: unknown, typeName: string): ExchangeFault {
  return bindingFault(
    `${invocation}.ParameterTransformationException`,
    `Cannot process argument transformation on parameter '${parameter}'. Cannot convert value "${printed(value)}" to type "${typeName}".`,
  );
}

/** A plain object for a multi-valued parameter: without `@odata.type` the binder does not know what it is. */
export function untypedObject(parameter: string): ExchangeFault {
  return bindingFault(
    "System.Management.Automation.ParameterBindingException",
    `Cannot bind parameter '${parameter}'. Cannot convert the value of type "Newtonsoft.Json.Linq.JObject" to type "Microsoft.Exchange.Data.MultiValuedProperty".`,
  );
}

/** A filter that is not understood; `reason` names the part. */
export function invalidFilter(filter: string, reason: string): ExchangeFault {
  return bindingFault(
    "System.Management.Automation.ParameterBindingException",
    `Cannot bind parameter 'Filter' to the target. Exception setting "Filter": "Invalid filter syntax. For a description of the filter parameter syntax see the command help. "${filter}" ${reason}"`,
  );
}

// Transport

/** A body that is not what the endpoint takes. */
export function badEnvelope(text: string): ExchangeFault {
  return odataFault(400, "BadRequest", text);
}

/** A `$batch` with more requests than allowed. */
export function tooManyInBatch(limit: number): ExchangeFault {
  return odataFault(400, "BadRequest", `The batch request exceeds the maximum of ${limit} requests.`);
}

/** A nextLink that was followed already, is too old, was posted with another body, or was made by another process. */
export function pagingExpired(): ExchangeFault {
  return bindingFault("System.Exception", "Expired or Invalid pagination request. Default Expiry time is 00:30:00");
}

/** No good token, in words; the service as assumed sends none. */
export function unauthorized(): ExchangeFault {
  return odataFault(401, "Unauthorized", "The access token is missing or invalid.");
}

/** A path the service does not have. */
export function noSuchResource(path: string): ExchangeFault {
  return odataFault(404, "NotFound", `Resource not found for the segment '${path}'.`);
}

/** Anything but POST. */
export function methodNotAllowed(method: string): ExchangeFault {
  return odataFault(405, "MethodNotAllowed", `The requested resource does not support http method '${method}'.`);
}

/** v2.0 serves few cmdlets and few parameters of each. */
export function notOnEndpoint(endpoint: string, what: string): ExchangeFault {
  return odataFault(400, "BadRequest", `${what} is not supported by the endpoint '${endpoint}'.`);
}

/** Known to the service, but nothing the tenant can do: refused, never guessed. */
export function notSimulated(what: string): ExchangeFault {
  return odataFault(400, "NotSimulated", `The local tenant does not simulate ${what}.`);
}

function printed(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
}
