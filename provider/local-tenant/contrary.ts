/**
 * What the tenant does instead while the setting `contrary` names the behaviour: what a client, or a probe on a real tenant, has to notice
 * where a service is not as assumed. By the behaviour's id.
 */
export const contraries = {
  "exchange.unauthorized-body": "A 401 carries an error in JSON",
  "exchange.v2-other-refused": "Any cmdlet runs on the v2.0 endpoints",
  "exchange.foreign-tenant-segment": "Any tenant segment is served",
  "exchange.error-statuses": "Every cmdlet error is a 400",
  "exchange.link-replay": "A nextLink may be posted again until it expires",
  "exchange.batch-size": "Any number of requests is taken",
  "exchange.batch-first-error": "The batch goes on after an error in any case",
  "exchange.batch-order": "They run in reverse order",
  "exchange.object-id-identity": "Nothing is found by it",
  "exchange.new-mailbox-upn": "The sign-in name is G and 32 hex digits",
  "exchange.initials": "New-Mailbox takes them and keeps none",
  "exchange.new-account-enabled": "It may sign in",
  "exchange.primary-in-add": "The added address becomes a secondary one",
  "exchange.soft-deleted-addresses": "They stay taken",
  "exchange.sid-as-trustee": "A SID names nobody",
  "exchange.list-reaches-hidden": "Entries of deleted recipients stay",
  "exchange.message-size": "Any size is taken",
  "exchange.undo-soft-deleted": "It wants a password in any case",
  "exchange.rule-identity-graph": "RuleIdentity is another number than Graph's id",
  "graph.settings-read-only": "It is 403 ErrorAccessDenied",
  "graph.unset-settings": "They read as English of the United States and UTC",
  "graph.language-formats": "The formats stay",
  "graph.formats-of-language": "Any format is taken",
  "graph.rule-error-codes": "It is 400 ErrorInboxRulesValidationError",
  "graph.rules-forwarded-mailbox": "They run on the message, which is kept",
  "dataverse.version-headers": "Requests without the version headers are refused",
  "dataverse.credentials-profile": "Credentials are taken whatever the server profile says",
  "dataverse.names-not-unique": "A second team of a name is refused as a duplicate",
  "dataverse.retry-after": "A 429 has no Retry-After",
  "dataverse.rule-error-status": "They answer 403",
  "dataverse.individual-address": "It is refused with 0x8005E208",
  "dataverse.methods-not-null": "Null is taken for the first choice, or for No",
  "dataverse.address-drops-approval": "The approval stays",
  "dataverse.change-resets-test": "The statuses stay as the last test left them",
  "dataverse.test-reason": "The reason stands in lastsyncerror, and there is no alert",
  "dataverse.test-forward-incoming": "Incoming mail is tested as with server-side synchronisation",
  "dataverse.test-locks": "Changes are refused with 0x8005E248 while a test runs",
  "dataverse.own-writes-visible": "Queries find a new row two seconds later",
  "login.federated-wrong-signature": "AADSTS50027",
  "login.clock-skew": "No difference is allowed",
} as const;

/** A behaviour that can be turned round. */
export type Contrary = keyof typeof contraries;
