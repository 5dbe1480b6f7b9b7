/** What tokens are asked for. */
import { CLOUD_ENDPOINTS, type Cloud } from "../configuration/clouds";
import type { Service } from "./errors";

/**
 * The scope of a service's tokens. It names Microsoft's host also where requests go elsewhere: behind a proxy, and in a
 * local tenant, the audience stays the same. Dataverse's is the environment itself.
 *
 * @param environmentUrl Dataverse: origin of the environment; undefined where none is named.
 */
export function scopeOf(service: Service, cloud: Cloud, environmentUrl: string | undefined): string | undefined {
  if (service !== "dataverse") {
    return `${CLOUD_ENDPOINTS[cloud][service]}/.default`;
  }
  return environmentUrl === undefined ? undefined : `${new URL(environmentUrl).origin}/.default`;
}
