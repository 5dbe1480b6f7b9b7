/** Microsoft's clouds and the hosts of each. */

/** The clouds of Microsoft 365. `public` includes GCC. */
export const CLOUDS = ["public", "usgovernment", "usgovernmentdod", "china"] as const;

/** One of Microsoft's clouds. */
export type Cloud = (typeof CLOUDS)[number];

/** Where the three services with fixed hosts are: origins, without a slash at the end. */
export interface Endpoints {
  /** Sign-in (Microsoft Entra ID). */
  login: string;
  /** Microsoft Graph. */
  graph: string;
  /** Exchange's admin API. */
  exchange: string;
}

/**
 * The hosts of each cloud. Tokens are issued for these hosts, also where requests go elsewhere (a proxy, a local
 * tenant): https://learn.microsoft.com/graph/deployments
 */
export const CLOUD_ENDPOINTS: Readonly<Record<Cloud, Readonly<Endpoints>>> = {
  public: {
    login: "https://login.microsoftonline.com",
    graph: "https://graph.microsoft.com",
    exchange: "https://outlook.office365.com",
  },
  usgovernment: {
    login: "https://login.microsoftonline.us",
    graph: "https://graph.microsoft.us",
    exchange: "https://outlook.office365.us",
  },
  usgovernmentdod: {
    login: "https://login.microsoftonline.us",
    graph: "https://dod-graph.microsoft.us",
    exchange: "https://outlook-dod.office365.us",
  },
  china: {
    login: "https://login.chinacloudapi.cn",
    graph: "https://microsoftgraph.chinacloudapi.cn",
    exchange: "https://outlook.office365.cn",
  },
};

/** The domains below which each cloud's Dataverse environments live. GCC's `crm9.dynamics.com` counts as public. */
export const DATAVERSE_DOMAINS: Readonly<Record<Cloud, string>> = {
  public: "dynamics.com",
  usgovernment: "microsoftdynamics.us",
  usgovernmentdod: "appsplatform.us",
  china: "dynamics.cn",
};

/** Names that Azure's own tools use for the clouds. */
const AZURE_NAMES: Readonly<Record<string, Cloud>> = {
  azurecloud: "public",
  azurepubliccloud: "public",
  azureusgovernment: "usgovernment",
  azureusgovernmentcloud: "usgovernment",
  azurechinacloud: "china",
};

/** The cloud that a name means, in our words or Azure's, without regard to case; undefined for an unknown name. */
export function cloudNamed(name: string): Cloud | undefined {
  const lower = name.trim().toLowerCase();
  return CLOUDS.find((cloud) => cloud === lower) ?? AZURE_NAMES[lower];
}

/** Whether a sign-in host is one of Microsoft's, so that it can be validated against Microsoft's list of authorities. */
export function isMicrosoftLogin(origin: string): boolean {
  return Object.values(CLOUD_ENDPOINTS).some(({ login }) => login === origin);
}
