import type { Provenance } from "../provenance";

const mailboxPage = "powerapps-docs, reference/entities/mailbox.md";
const adminPage = "power-platform docs, admin/create-forward-mailboxes-edit-mailboxes.md";
const exchangePage = "power-platform docs, admin/connect-exchange-online.md";
const errorPage = "powerapps-docs, data-platform/includes/data-service-errors.md";
const apiLimits = "powerapps-docs, data-platform/api-limits.md";
const webApi = "powerapps-docs, data-platform/webapi";
const terraform = "microsoft/terraform-provider-power-platform, data_record fixtures and tests";
const powershell = "seanmcne/Microsoft.Xrm.Data.PowerShell";

/** How each behaviour of the simulated Dataverse is known. */
export const provenance: Provenance[] = [
  {
    id: "dataverse.columns",
    behaviour: "Columns, their types, lengths, choices and validity for create and update are those of `schema`.",
    mark: "documented",
    source: mailboxPage,
  },
  {
    id: "dataverse.new-forward-mailbox",
    behaviour: "A mailbox made with name and address alone is a forward mailbox with the defaults of `newMailboxRow`.",
    mark: "observed",
    source: terraform,
  },
  {
    id: "dataverse.born-approved",
    behaviour:
      "A forward mailbox made by an administrator who may approve is approved (1), its O365 flag false; else it is pending (2).",
    mark: "observed",
    source: `${terraform}; that one made by others is pending is the tenant's own.`,
  },
  {
    id: "dataverse.forward-readonly",
    behaviour: "isforwardmailbox and regardingobjectid cannot be written.",
    mark: "documented",
    source: mailboxPage,
  },
  {
    id: "dataverse.readonly-columns",
    behaviour:
      "Read-only columns in a body, the row's own key among them, are ignored; the setting `strictBodies` refuses them.",
    mark: "observed",
    source: "Clients in production that write whole rows back and note that the service ignores what is read-only.",
  },
  {
    id: "dataverse.passwords-hidden",
    behaviour:
      "Passwords read as null in a full row, `ispasswordset` tells whether one is stored; $select of one is 400 with 0x80041a08.",
    mark: "observed",
    source: `${terraform}; ALM4Dataverse/Rnwood.Dataverse.Data.PowerShell #1396 for the error`,
  },
  {
    id: "dataverse.post-answer",
    behaviour:
      "POST answers 204 with OData-EntityId, or 201 with the row and without that header for return=representation.",
    mark: "documented",
    source: `${webApi}/create-entity-web-api.md`,
  },
  {
    id: "dataverse.patch-creates",
    behaviour: "PATCH without If-Match to a missing id creates the row; with If-Match: * it is a 404.",
    mark: "documented",
    source: `${webApi}/perform-conditional-operations-using-web-api.md`,
  },
  {
    id: "dataverse.patch-if-none-match",
    behaviour: "PATCH with If-None-Match: * on an existing row is a 412 with 0x80040237.",
    mark: "documented",
    source: `${webApi}/perform-conditional-operations-using-web-api.md; code observed in ${terraform}`,
  },
  {
    id: "dataverse.stale-etag",
    behaviour: "A stale ETag in If-Match is a 412 with 0x80060882, on PATCH and on DELETE.",
    mark: "observed",
    source: "Two public code bases for the code; Microsoft's Web API pages for the status.",
  },
  {
    id: "dataverse.not-modified",
    behaviour: "GET with a current ETag in If-None-Match is a 304, never with $expand or annotations.",
    mark: "documented",
    source: `${webApi}/perform-conditional-operations-using-web-api.md`,
  },
  {
    id: "dataverse.etag-version",
    behaviour: "The ETag holds the row's versionnumber.",
    mark: "observed",
    source: terraform,
  },
  {
    id: "dataverse.collection-method",
    behaviour: "PATCH or DELETE on a collection is a 405.",
    mark: "documented",
    source: `${webApi}/compose-http-requests-handle-errors.md; seen in ${terraform} #616`,
  },
  {
    id: "dataverse.encoded-parentheses",
    behaviour: "Percent-encoded parentheses in the path work.",
    mark: "observed",
    source: terraform,
  },
  {
    id: "dataverse.page-size",
    behaviour: "At most 5000 rows a page; Prefer odata.maxpagesize makes smaller ones; $top ignores it; no $skip.",
    mark: "documented",
    source: `${webApi}/compose-http-requests-handle-errors.md and query pages`,
  },
  {
    id: "dataverse.filter-text",
    behaviour: "Text compares without case in filters; ne with a value matches rows whose value is null.",
    mark: "observed",
    source: `${webApi}/query/filter-rows.md for the case; MarkMpn/Sql4Cds #167 and #530 for ne`,
  },
  {
    id: "dataverse.error-shape",
    behaviour: "Error bodies are {error: {code, message}}; annotations add help link and inner message.",
    mark: "documented",
    source: `${webApi}/compose-http-requests-handle-errors.md`,
  },
  {
    id: "dataverse.unknown-segment",
    behaviour: "An unknown URL segment is 0x80060888.",
    mark: "observed",
    source: "microsoft/Dataverse-MCP issue 6",
  },
  {
    id: "dataverse.unknown-property",
    behaviour: "An unknown property in a body is 400 with 0x80048d19 and named with its table; in $select it is 400.",
    mark: "observed",
    source:
      "PowerAppsCodeApps #84, PowerPlatform-DataverseServiceClient #290; SupportArticles, troubleshoot Dataverse Web API client errors",
  },
  {
    id: "dataverse.value-errors",
    behaviour: "Text too long is 0x80044331, a choice out of range 0x8004431A, a status of the other state 0x80048408.",
    mark: "observed",
    source: "powerplatform-vscode #136 and answers recorded by clients of the service",
  },
  {
    id: "dataverse.bare-lookup",
    behaviour: "A bare `_x_value` in a body is refused with 0x80060888.",
    mark: "observed",
    source: "Answers recorded by clients of the service",
  },
  {
    id: "dataverse.no-application-user",
    behaviour: "An application without an application user gets 403 with 0x80072560.",
    mark: "observed",
    source: "microsoft/powercat-business-approvals-kit issue 293, MicrosoftDocs/power-platform issue 2124",
  },
  {
    id: "dataverse.missing-privilege",
    behaviour: "A missing privilege is 403 with 0x80040220.",
    mark: "documented",
    source: errorPage,
  },
  {
    id: "dataverse.roles",
    behaviour: "A Basic User reads mailbox records and may change none: 403 with 0x80040220.",
    mark: "documented",
    source: `${adminPage}: mailbox records need System Administrator or System Customizer; other roles are not simulated.`,
  },
  {
    id: "dataverse.version-headers",
    behaviour: "A request without the OData version headers is served; `strictHeaders` refuses it.",
    mark: "assumed",
    source: `${webApi}/compose-http-requests-handle-errors.md asks for them with every request; older clients omit them.`,
    contrary: "Requests without the version headers are refused",
  },
  {
    id: "dataverse.forward-mailbox-rules",
    behaviour: "A forward mailbox needs an address, incoming None or server-side sync, outgoing None, no regarding.",
    mark: "documented",
    source: `${errorPage}: 0x8005E211, E212, E213, E207`,
  },
  {
    id: "dataverse.delete-after-processing",
    behaviour: "Delete after processing is refused on user mailboxes with 0x8005E233.",
    mark: "documented",
    source: `${errorPage}; seen in ${powershell} #260`,
  },
  {
    id: "dataverse.credentials-needed",
    behaviour: "Credentials need user name (0x8005E209) and password (0x8005E24E).",
    mark: "documented",
    source: errorPage,
  },
  {
    id: "dataverse.credentials-profile",
    behaviour: "Credentials are refused where the server profile does not take them from the mailbox.",
    mark: "assumed",
    source: `${adminPage} says to set them only then; no error code is documented.`,
    contrary: "Credentials are taken whatever the server profile says",
  },
  {
    id: "dataverse.appointments-profile",
    behaviour: "Appointments by server-side sync with a POP3 or IMAP profile are refused with 0x8005E247.",
    mark: "documented",
    source: errorPage,
  },
  {
    id: "dataverse.owner-default",
    behaviour:
      "Without an owner in the body the caller owns a new row; a user or a team can be bound at create and update.",
    mark: "documented",
    source: `${mailboxPage}; the default observed in ${terraform}`,
  },
  {
    id: "dataverse.owner-refused",
    behaviour: "A disabled user cannot be made an owner (0x8004022b), nor a team without a security role (0x80042f0a).",
    mark: "documented",
    source: `${errorPage}; the HTTP status 400 is assumed.`,
  },
  {
    id: "dataverse.names-not-unique",
    behaviour: "Names of teams and full names of users need not be unique.",
    mark: "assumed",
    source: "The tables' reference pages name no key on them.",
    contrary: "A second team of a name is refused as a duplicate",
  },
  {
    id: "dataverse.post-existing-id",
    behaviour: "A POST whose body holds the id of an existing row is a 412 with 0x80040237.",
    mark: "documented",
    source: `${errorPage} for the code, ${webApi}/compose-http-requests-handle-errors.md for the status`,
  },
  {
    id: "dataverse.patch-expand",
    behaviour: "$expand with a PATCH that returns the row is ignored.",
    mark: "documented",
    source: `${webApi}/update-delete-entities-using-web-api.md`,
  },
  {
    id: "dataverse.secrets-digest",
    behaviour: "Of passwords and other secrets the tenant keeps a digest; its request log has neither.",
    mark: "documented",
    source: `${adminPage}: stored encrypted; the digest is the tenant's own way.`,
  },
  {
    id: "dataverse.service-limits",
    behaviour:
      "A user has 6000 requests, 1200 s of execution time in a sliding window of 300 s, and 52 requests at once; beyond it is a 429 with 0x80072322, 0x80072321, 0x80072326 and Retry-After.",
    mark: "documented",
    source: `${apiLimits}; code of the third from ${errorPage}`,
  },
  {
    id: "dataverse.retry-after",
    behaviour:
      "Retry-After is the time until enough has left the window (1 s for too many at once); refused requests do not count.",
    mark: "assumed",
    source: `${apiLimits} says only that it grows with the demand.`,
    contrary: "A 429 has no Retry-After",
  },
  {
    id: "dataverse.remaining-headers",
    behaviour: "Every answer tells the requests left, and the execution time left in seconds with two decimals.",
    mark: "documented",
    source: `${apiLimits}; the number format is assumed.`,
  },
  {
    id: "dataverse.changed-behind",
    behaviour: "A row changed past the Web API gets the next version, so that ETags read before are stale.",
    mark: "observed",
    source: `${terraform}: the ETag is the version of the row, whoever writes it.`,
  },
  {
    id: "dataverse.rule-error-status",
    behaviour: "The HTTP status of the mailbox rules' errors is 400.",
    mark: "assumed",
    source: `${webApi}/compose-http-requests-handle-errors.md: anything not listed is 400.`,
    contrary: "They answer 403",
  },
  {
    id: "dataverse.individual-address",
    behaviour:
      "An address written to the record of a user or queue is carried over to its owner; a setting refuses it with 0x8005E208.",
    mark: "observed",
    source: `${powershell} #456 and its Set-CrmQueueMailbox write it; ${errorPage} has the refusal.`,
    contrary: "It is refused with 0x8005E208",
  },
  {
    id: "dataverse.methods-not-null",
    behaviour: "Delivery methods and flags of a mailbox cannot be set to null.",
    mark: "assumed",
    source: `${mailboxPage} requires none of them; what null would mean is not documented.`,
    contrary: "Null is taken for the first choice, or for No",
  },
  {
    id: "dataverse.address-not-unique",
    behaviour: "An address is not unique among mailbox records.",
    mark: "observed",
    source: `${powershell}: Get-CrmUserMailbox throws on more than one; user and private queue may share one.`,
  },
  {
    id: "dataverse.approval-roles",
    behaviour: "Approving needs System Administrator and Delegated Mailbox Approver; else 0x8009000B.",
    mark: "documented",
    source: `${exchangePage}; ${errorPage}; seen in ${powershell} #369`,
  },
  {
    id: "dataverse.approval-without-effect",
    behaviour: "By a setting an approval is silently without effect.",
    mark: "observed",
    source: `${powershell} #454 (a service principal) and #504`,
  },
  {
    id: "dataverse.approved-by-admin-flag",
    behaviour: "isemailaddressapprovedbyo365admin follows the approval; writing it has no effect.",
    mark: "observed",
    source: `${powershell} #504; that it follows is reasoning.`,
  },
  {
    id: "dataverse.address-drops-approval",
    behaviour:
      "Changing the address drops the approval to Pending; the setting `addressChangeDropsApproval` lets it stay.",
    mark: "observed",
    source:
      "MicrosoftDocs/dynamics-365-customer-engagement #642; Capgemini's MailboxDeploymentService approves again after writing an address.",
    contrary: "The approval stays",
  },
  {
    id: "dataverse.change-resets-test",
    behaviour: "Changing address, methods or profile puts the test statuses back to Not Run.",
    mark: "assumed",
    source: "Plausible: the results were of another configuration.",
    contrary: "The statuses stay as the last test left them",
  },
  {
    id: "dataverse.test-queued",
    behaviour: "Writing testemailconfigurationscheduled true queues Test & Enable.",
    mark: "observed",
    source: `${powershell} -ScheduleTest and its maintainer; one public script disagrees.`,
  },
  {
    id: "dataverse.test-end",
    behaviour:
      "When the test ends the flag is false, the completion time later than before, each enabled method has a status.",
    mark: "observed",
    source:
      "Capgemini's MailboxDeploymentService waits for mailboxstatus; SupportArticles error-code-8005e272.md and KB 4459027 for the statuses.",
  },
  {
    id: "dataverse.test-succeeds",
    behaviour: "The test succeeds for an active, approved record with an active profile whose address is a mailbox.",
    mark: "documented",
    source: exchangePage,
  },
  {
    id: "dataverse.test-reason",
    behaviour:
      "A failed test leaves its reason in an alert (a row of tracelogs), not in lastsyncerror; the setting `testReason` leaves it in the row.",
    mark: "documented",
    source:
      "SupportArticles KB 4484702, KB 4459027, test-enable-fails-for-unrecognized-email-address.md; powerapps-docs, reference/entities/tracelog.md",
    contrary: "The reason stands in lastsyncerror, and there is no alert",
  },
  {
    id: "dataverse.test-reason-codes",
    behaviour:
      "A test of a mailbox that is inactive, unapproved, without an active profile or with an unknown address fails; the first that applies is told.",
    mark: "documented",
    source: `${errorPage} has codes and texts; ${exchangePage} what is needed. Which columns of an alert hold them is the tenant's own.`,
  },
  {
    id: "dataverse.test-forward-incoming",
    behaviour:
      "Incoming mail of a mailbox whose method is Forward Mailbox fails its test with 0x8005E223; outgoing mail is tested as ever.",
    mark: "assumed",
    source: `${errorPage} says that such a mailbox cannot be polled; the harsher case for a test.`,
    contrary: "Incoming mail is tested as with server-side synchronisation",
  },
  {
    id: "dataverse.test-locks",
    behaviour:
      "A mailbox can be changed while its test runs; by the setting `refuseWhileTesting` it is refused with 0x8005E248.",
    mark: "assumed",
    source: `${errorPage} has the code ("please save after completion of test"); which changes it refuses is not documented.`,
    contrary: "Changes are refused with 0x8005E248 while a test runs",
  },
  {
    id: "dataverse.approval-switched-off",
    behaviour: "Approval is not needed where the organisation switched it off (both switches for a forward mailbox).",
    mark: "documented",
    source: `${exchangePage}; that a forward mailbox needs both switches off is reasoning.`,
  },
  {
    id: "dataverse.private-queues",
    behaviour:
      "Every user and team has a private queue of its name in angle brackets, without an address or by a setting with the user's.",
    mark: "documented",
    source:
      "powerapps-docs, data-platform/queue-entities.md; the name as in microsoft/terraform-provider-power-platform, systemusers fixture",
  },
  {
    id: "dataverse.delete-user",
    behaviour: "Users cannot be deleted: 405; the setting `deleteDisabledUsers` lets disabled ones go.",
    mark: "observed",
    source:
      "MicrosoftDocs/power-platform #59, MicrosoftDocs/dynamics-365-customer-engagement #1030; code and text of the refusal are those of other tables.",
  },
  {
    id: "dataverse.metadata",
    behaviour:
      "EntityDefinitions, Attributes with casts and $expand of Attributes and OptionSet answer; relationships are not simulated.",
    mark: "documented",
    source: `${webApi}/query-metadata-web-api.md`,
  },
  {
    id: "dataverse.metadata-level",
    behaviour:
      "odata.metadata=none leaves a row its columns, a page its link and count; full adds type, id and edit link.",
    mark: "documented",
    source: `${webApi}/compose-http-requests-handle-errors.md`,
  },
  {
    id: "dataverse.record-made-later",
    behaviour:
      "Every queue and user gets a mailbox record, later; one with an address with organisation-default methods.",
    mark: "documented",
    source: `${adminPage}; the delay seen in public scripts`,
  },
  {
    id: "dataverse.record-follows-owner-row",
    behaviour: "Delivery methods and approval of a queue or user and its mailbox record stay equal.",
    mark: "observed",
    source: `${powershell} writes either row.`,
  },
  {
    id: "dataverse.profile-lookups",
    behaviour:
      "Deleting a profile empties the lookups at it; deleting a user, team or queue deletes its mailbox records. A user or team that owns queues or profiles stays: 405.",
    mark: "documented",
    source: `${mailboxPage} for the records; that owners of other rows stay is the tenant's own.`,
  },
  {
    id: "dataverse.queue-in-use",
    behaviour:
      "A queue with items cannot be deleted: 400 with 0x80631117; nor one that routing rule sets use: 0x80731118.",
    mark: "documented",
    source: `${errorPage}; the status is that of errors not listed in ${webApi}/compose-http-requests-handle-errors.md.`,
  },
  {
    id: "dataverse.queue-record-follows",
    behaviour: "A queue's mailbox record takes over address, methods and owner of the queue when these change.",
    mark: "documented",
    source: `${adminPage} for address and owner; that methods follow is observed (${powershell}).`,
  },
  {
    id: "dataverse.user-record-follows",
    behaviour: "A user's address is written on the user's row and the mailbox record follows.",
    mark: "documented",
    source: adminPage,
  },
  {
    id: "dataverse.delete-active",
    behaviour: "An active mailbox record can be deleted; `deleteNeedsInactive` refuses it with 405.",
    mark: "observed",
    source: `${terraform} deactivates only when asked to.`,
  },
  {
    id: "dataverse.own-writes-visible",
    behaviour: "Dataverse sees its own writes at once; other services' with its lag.",
    mark: "assumed",
    source: "Its database is transactional.",
    contrary: "Queries find a new row two seconds later",
  },
];
