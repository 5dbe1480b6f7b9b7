import type { CallContext } from "../http/call";
import type { Pipeline } from "../http/pipeline";
import { Dataverse } from "./dataverse";
import { Exchange } from "./exchange";
import { Graph } from "./graph";
import { MailboxSettings } from "./mailbox-settings";
import { Mailboxes } from "./mailboxes";
import { MailboxPermissions } from "./permissions";
import { Recipients } from "./recipients";

/** The services of one tenant, shared by everything in a deployment. */
export interface Services {
  mailboxes: Mailboxes;
  mailboxSettings: MailboxSettings;
  permissions: MailboxPermissions;
  recipients: Recipients;
  graph: Graph;
  dataverse: Dataverse;
  /** Id of the tenant that is really being talked to. */
  tenantId(context: CallContext): Promise<string>;
}

/**
 * Puts the services together.
 *
 * @param tenantId how to learn the tenant's id: from the configuration or the token.
 * @param bounds the bounds of shared reads.
 */
export function createServices(
  pipeline: Pipeline,
  tenantId: (context: CallContext) => Promise<string>,
  bounds: () => CallContext,
): Services {
  const exchange = new Exchange(pipeline, tenantId, bounds);
  const graph = new Graph(pipeline, bounds);
  return {
    mailboxes: new Mailboxes(exchange),
    mailboxSettings: new MailboxSettings(exchange, graph),
    permissions: new MailboxPermissions(exchange),
    recipients: new Recipients(exchange, graph),
    graph,
    dataverse: new Dataverse(pipeline),
    tenantId,
  };
}
