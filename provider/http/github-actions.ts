/** The token that GitHub Actions vouches for a job with. */
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
