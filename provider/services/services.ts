import type { CallContext } from "../http/call";
import type { Pipeline } from "../http/pipeline";
import { Dataverse, DataverseApi, Queues } from "./dataverse";
import { Exchange } from "./exchange";
import { Graph } from "./graph";
import { InboxRules } from "./inbox-rules";
import { OwnWrites, type Shared } from "./listing";
import { MailboxSettings } from "./mailbox-settings";
import { Mailboxes } from "./mailboxes";
import { MailboxPermissions } from "./permissions";
import { Principals } from "./principals";
import { Recipients, SecurityPrincipals } from "./recipients";
import { GraphElseExchange } from "./refused";

const SIGN_IN_NEED =
  "The application needs the permission User.EnableDisableAccount.All of Microsoft Graph, or in Exchange a management role with " +
  "Set-Mailbox, such as Mail Recipients.";

/** The services of one tenant, shared by everything in a deployment. */
export interface Services {
  mailboxes: Mailboxes;
  mailboxSettings: MailboxSettings;
  permissions: MailboxPermissions;
  recipients: Recipients;
  securityPrincipals: SecurityPrincipals;
  graph: Graph;
  /** Who blocks and allows the sign-in of an account. */
  signIn: GraphElseExchange;
  inboxRules: InboxRules;
  dataverse: Dataverse;
  principals: Principals;
  queues: Queues;
  /**
   * The same services with another Dataverse environment.
   *
   * @param environmentUrl origin of the environment; undefined for the configured one.
   */
  inEnvironment(environmentUrl: string | undefined): Services;
  /** Id of the tenant that is really being talked to. */
  tenantId(context: CallContext): Promise<string>;
}

/**
 * Puts the services together.
 *
 * @param tenantId how to learn the tenant's id: from the configuration or the token.
 * @param bounds the bounds of shared reads.
 * @param compared columns of `Get-Mailbox` that the kinds compare.
 */
export function createServices(
  pipeline: Pipeline,
  tenantId: (context: CallContext) => Promise<string>,
  bounds: () => CallContext,
  compared: readonly string[],
): Services {
  const shared: Shared = { writes: new OwnWrites(), accounts: () => graph.accounts() };
  const graph = new Graph(pipeline, bounds, shared);
  const exchange = new Exchange(pipeline, tenantId, bounds, shared);
  const environments = new Map<string | undefined, Services>();
  const inEnvironment = (environmentUrl: string | undefined): Services => {
    const known = environments.get(environmentUrl);
    if (known !== undefined) {
      return known;
    }
    const services = { ...tenant, ...environment(pipeline, environmentUrl), inEnvironment };
    environments.set(environmentUrl, services);
    return services;
  };
  const permissions = new MailboxPermissions(exchange);
  const tenant = {
    mailboxes: new Mailboxes(exchange, compared, (id) => permissions.expect(id)),
    mailboxSettings: new MailboxSettings(exchange, graph),
    permissions,
    recipients: new Recipients(exchange, graph),
    securityPrincipals: new SecurityPrincipals(exchange),
    graph,
    signIn: new GraphElseExchange(SIGN_IN_NEED),
    inboxRules: new InboxRules(graph, exchange),
    tenantId,
  };
  return inEnvironment(undefined);
}

function environment(pipeline: Pipeline, environmentUrl: string | undefined) {
  const api = new DataverseApi(pipeline, environmentUrl);
  return { dataverse: new Dataverse(api), principals: new Principals(api), queues: new Queues(api) };
}
