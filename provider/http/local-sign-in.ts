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
