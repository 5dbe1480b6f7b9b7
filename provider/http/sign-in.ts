/** The token that GitHub Actions vouches for a job with. */
/** What tokens are asked for. */

import { CLOUD_ENDPOINTS, type Cloud } from "../configuration/clouds";
import type { Service } from "./errors";
import { rememberSecret } from "./redact";

/** What Entra expects the token to be made for. */
const AUDIENCE = "api://AzureADTokenExchange";

/**
 * Asks GitHub for the job's token.
 * https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect
 *
 * @throws Error when GitHub does not give one.
 */
export async function githubActionsToken(requestUrl: string, requestToken: string): Promise<string> {
  const url = new URL(requestUrl);
  url.searchParams.set("audience", AUDIENCE);
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${requestToken}`, Accept: "application/json; api-version=2.0" },
    signal: AbortSignal.timeout(30_000),
  });
  const answer: unknown = response.ok ? await response.json() : undefined;
  if (typeof answer !== "object" || answer === null || !("value" in answer) || typeof answer.value !== "string") {
    throw new Error(`GitHub gave no token for the job (HTTP ${response.status})`);
  }
  rememberSecret(answer.value);
  return answer.value;
}

/**
 * Client credentials over plain http, for a local tenant on this machine: @azure/identity insists on TLS.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

/** A token and when it ends, in epoch milliseconds. */
export interface FreshToken {
  token: string;
  expires: number;
}

/** The sign-in refused; `message` has its text with the AADSTS number. */
export class SignInRefused extends Error {
  override readonly name = "SignInRefused";
}

/** What is sent to the token endpoint. */
export interface SignIn {
  /** Origin of the sign-in. */
  login: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  scope: string;
}

/** Longest wait for a token of a local tenant, in milliseconds. */
const LOCAL_TIMEOUT = 30_000;

/**
 * Gets a token.
 * @throws SignInRefused when the sign-in says no; fetch's own errors when there is no answer.
 */
export async function signInLocally(signIn: SignIn, signal?: AbortSignal): Promise<FreshToken> {
  const timeout = AbortSignal.timeout(LOCAL_TIMEOUT);
  const response = await fetch(`${signIn.login}/${encodeURIComponent(signIn.tenantId)}/oauth2/v2.0/token`, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: signIn.clientId,
      client_secret: signIn.clientSecret,
      scope: signIn.scope,
    }),
    redirect: "error",
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
  });
  const text = await response.text();
  const answer = parseMembers(text);
  if (response.ok && typeof answer.access_token === "string") {
    const seconds = Number(answer.expires_in);
    return { token: answer.access_token, expires: Date.now() + (Number.isFinite(seconds) ? seconds : 300) * 1000 };
  }
  const words = typeof answer.error_description === "string" ? answer.error_description : text.slice(0, 300);
  throw new SignInRefused(words === "" ? `HTTP ${response.status}` : words);
}

function parseMembers(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

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
