/**
 * A local tenant for tests of programs, `pulumi-mailboxes/local-tenant`: Exchange, Graph, Dataverse and sign-in on this machine, filled
 * with the made-up company Contoso. A stack deploys to it when its `mailboxes:localTenant` is the tenant's `origin`.
 */
import { type ControlClient, controlClient } from "./control/client";
import type { SeedName } from "./seed";
import { type LocalTenantOptions as ServeOptions, startLocalTenant as serve } from "./server";

export type { ControlClient, RequestFilter } from "./control/client";
export type { Description } from "./control/routes";
export type { Fault, FaultAnswer, FaultRule, ServiceName } from "./faults";
export type { DeliveryStep, Envelope } from "./graph/delivery";
export type { InnerRequest, LoggedRequest, RequestCounts } from "./request-log";
export type { SeedName } from "./seed";
export type { Overview, ShownForwardMailbox, ShownGrant, ShownMailbox, ShownQueue, ShownRule, State } from "./show";
export type { Settings, SettingsChange } from "./tenant";

/** How a local tenant is started. Everything may be left out. */
export interface LocalTenantOptions extends Omit<ServeOptions, "seed"> {
  /** What an empty tenant is filled with; null leaves it empty, and nobody can sign in. Default: `contoso`. */
  seed?: SeedName | null;
}

/** A local tenant that is being served by this process. */
export interface LocalTenant extends ControlClient {
  /** `https://127.0.0.1:PORT`; its certificate has to be trusted. Absent unless the option `https` asked for it. */
  readonly httpsOrigin?: string;
  /** The certificate of the https origin in PEM. */
  readonly certificate?: string;
  /** Stops serving. Requests in hand finish first. A journal can be opened again afterwards. */
  close(): Promise<void>;
}

/**
 * Starts a local tenant in this process, on a free port of 127.0.0.1. Without `journal` it is in memory, and gone after `close`.
 * Call `close` when the tests are done: the process does not end before.
 *
 * @throws when another process holds the journal, and when the address of `listen` or `https` is taken or not of this machine.
 */
export async function startLocalTenant({
  seed = "contoso",
  ...options
}: LocalTenantOptions = {}): Promise<LocalTenant> {
  const { origin, httpsOrigin, certificate, close } = await serve({ ...options, ...(seed === null ? {} : { seed }) });
  return {
    ...controlClient(origin),
    ...(httpsOrigin === undefined ? {} : { httpsOrigin }),
    ...(certificate === undefined ? {} : { certificate }),
    close,
  };
}

/**
 * The controls of a local tenant that another process serves, as `mailboxes tenant serve` does. Nothing is asked before the first call.
 *
 * @param origin what that command printed, such as `http://127.0.0.1:8800`.
 */
export function localTenantAt(origin: string): ControlClient {
  return controlClient(new URL(origin).origin);
}
