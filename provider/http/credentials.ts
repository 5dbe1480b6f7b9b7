/** Gets tokens: with @azure/identity from Microsoft's sign-in, with a plain request from a local tenant without TLS. */
import { setTimeout as sleep } from "node:timers/promises";
import { isNativeError } from "node:util/types";
import type { TokenCredential } from "@azure/identity";
import type { Configuration, Credential } from "../configuration/configuration";
import { CLOUD_ENDPOINTS, type Cloud, isMicrosoftLogin } from "../configuration/schema";
import { cancelled, fetchTo, proxyNamed, type Service, type TokenOptions, type TokenSource } from "./call";
import { rememberSecret, TokenError } from "./errors";
import { mapOf, membersOf, type Row } from "./json";

/** A token is replaced this long before it ends, in milliseconds: a call may wait in a queue with it. */
const EARLY = 120_000;

type AskForToken = (scope: string) => Promise<FreshToken>;

/** @azure/identity is loaded only when a token of Microsoft's is wanted: it takes longer to load than all the rest. */
async function identityCredential(configuration: Configuration, tenantId: string): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  const { credential, endpoints } = configuration;
  const options = {
    authorityHost: endpoints.login,
    // Microsoft's list of authorities knows nothing of a proxy or of a local tenant.
    disableInstanceDiscovery: !isMicrosoftLogin(endpoints.login),
  };
  switch (credential.kind) {
    case "localTenant":
    case "clientSecret":
      return new identity.ClientSecretCredential(tenantId, credential.clientId, credential.clientSecret, options);
    case "certificate":
      return new identity.ClientCertificateCredential(
        tenantId,
        credential.clientId,
        {
          certificatePath: credential.certificatePath,
          ...(credential.certificatePassword === undefined
            ? {}
            : { certificatePassword: credential.certificatePassword }),
        },
        options,
      );
    case "tokenFile":
      return new identity.WorkloadIdentityCredential({
        ...options,
        tenantId,
        clientId: credential.clientId,
        tokenFilePath: credential.tokenFilePath,
      });
    case "githubActions": {
      const { requestUrl, requestToken } = credential;
      const assertion = (): Promise<string> => githubActionsToken(requestUrl, requestToken);
      return new identity.ClientAssertionCredential(tenantId, credential.clientId, assertion, options);
    }
    case "azurePipelines":
      return new identity.AzurePipelinesCredential(
        tenantId,
        credential.clientId,
        credential.serviceConnectionId,
        credential.systemAccessToken,
        options,
      );
    case "default":
      return new identity.DefaultAzureCredential({
        ...options,
        tenantId,
        ...(credential.clientId === undefined
          ? {}
          : { managedIdentityClientId: credential.clientId, workloadIdentityClientId: credential.clientId }),
      });
  }
}

function askerOf(configuration: Configuration, tenantId: string): AskForToken {
  const { credential, endpoints } = configuration;
  if (endpoints.login.startsWith("http:")) {
    if (credential.kind !== "localTenant" && credential.kind !== "clientSecret") {
      const words = `${endpoints.login} is not encrypted, and only a client secret of a local tenant may go there`;
      throw new TokenError({ words, nextStep: "Set `mailboxes:endpoints` to an https:// address." });
    }
    const { clientId, clientSecret } = credential;
    return (scope) => signInLocally({ login: endpoints.login, tenantId, clientId, clientSecret, scope });
  }
  let made: Promise<TokenCredential> | undefined;
  return async (scope) => {
    made ??= identityCredential(configuration, tenantId);
    const token = await (await made).getToken(scope);
    if (token === null) {
      throw new Error("the credential gave no token");
    }
    return { token: token.token, expires: token.expiresOnTimestamp };
  };
}

const SERVICE_NAMES: Readonly<Record<Service, string>> = {
  exchange: "Exchange Online",
  graph: "Microsoft Graph",
  dataverse: "Dataverse",
};

const WAYS: Readonly<Record<Credential["kind"], string>> = {
  localTenant: "an application of the local tenant",
  clientSecret: "a client secret",
  certificate: "a client certificate",
  tokenFile: "the token file of the CI system",
  githubActions: "the job's identity in GitHub Actions",
  azurePipelines: "the service connection in Azure Pipelines",
  default: "the default credentials of Azure (managed identity, Azure CLI and so on)",
};

/** The way a credential signs in, in words: "a client secret". */
export function wayOf({ kind }: Credential): string {
  return WAYS[kind];
}

/** The service's words without the trace that @azure/identity and Entra put behind them. */
function wordsOf(error: unknown): string {
  const message = isNativeError(error) ? error.message : String(error);
  const cause = isNativeError(error) && isNativeError(error.cause) ? `: ${error.cause.message}` : "";
  const sentence = /AADSTS\d+:[^\r\n]*?(?=\s+Trace ID:|[\r\n]|$)/.exec(message)?.[0];
  return sentence ?? `${message}${message === "fetch failed" ? cause : ""}`;
}

/** What to do, by Entra's number; https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const ADVICE: ReadonlyArray<readonly [RegExp, string]> = [
  [/AADSTS7000222/, "The client secret has expired: make a new one."],
  [/AADSTS7000215/, "Take the secret's value, not its id, and check that it belongs to this application."],
  [/AADSTS(700016|900023|90002|900384)\b/, "Check `mailboxes:tenantId` and `mailboxes:clientId`."],
  [
    /AADSTS7000272\b/,
    "Entra does not know the key that signed the job's token: is the issuer of the federated credential this CI system's? After a key was rotated it can take 30 minutes; run the command again then.",
  ],
  [
    /AADSTS(700211|700212|700213|70021|700223)\b/,
    "The application needs a federated credential whose issuer, subject and audience match this job exactly.",
  ],
  [/AADSTS(700027|7000214)\b/, "The certificate must be uploaded to the application, and not have expired."],
  [
    /AADSTS(500011|650057|650052)\b/,
    "The service is not known in this tenant: check `mailboxes:environmentUrl` and the licences.",
  ],
  [
    /self-signed certificate|unable to (get|verify)|certificate has expired|endpoints_resolution_error/i,
    "Can the host of `mailboxes:endpoints` or of the cloud be reached, and is its certificate trusted? " +
      "Where a proxy or a local tenant has one of its own, name its file in the environment variable NODE_EXTRA_CA_CERTS.",
  ],
  [/AADSTS(50053|53003|50005)\b/, "A Conditional Access policy of the tenant blocks the sign-in."],
];

function lookedForText(credential: Credential): string {
  const names = (isSet: boolean): string =>
    credential.lookedFor
      .filter((item) => item.isSet === isSet)
      .map((item) => item.name)
      .join(", ");
  if (credential.lookedFor.length === 0) {
    return "";
  }
  return ` Set: ${names(true) || "none"}. Looked for and not set: ${names(false) || "none"}.`;
}

function staleSecretText(credential: Credential, words: string): string {
  return words.includes("AADSTS") &&
    credential.kind === "clientSecret" &&
    credential.secretFrom !== "AZURE_CLIENT_SECRET"
    ? " `pulumi refresh` and `pulumi destroy` take the secret from the stack's state, where a renewed one is not yet: " +
        "set AZURE_CLIENT_SECRET, which wins over `mailboxes:clientSecret`."
    : "";
}

function nextStepOf(configuration: Configuration, words: string, isNetwork: boolean): string {
  const { credential } = configuration;
  if (credential.kind === "localTenant") {
    return configuration.localTenant?.kind === "served"
      ? `Is the local tenant that \`mailboxes:localTenant\` names still being served at ${configuration.endpoints.login}, and does it know this application?`
      : "Check `mailboxes:localTenant`, and `mailboxes:clientId` and `mailboxes:clientSecret` if they are set.";
  }
  const named = proxyNamed();
  const proxy = named === undefined ? "" : `, through ${named} of HTTPS_PROXY`;
  const advice =
    ADVICE.find(([pattern]) => pattern.test(words))?.[1] ??
    (isNetwork
      ? `Nothing is known about the credential: no answer came. Can this machine reach ${configuration.endpoints.login}${proxy}? Run the command again once it can.`
      : undefined);
  const nothing =
    credential.kind === "default"
      ? "Set `mailboxes:localTenant` to try things without an account, or sign in: in CI `mailboxes:useOidc`, elsewhere a certificate, a secret or `az login`."
      : "Check the application and its credential in Entra.";
  return `${advice ?? nothing}${staleSecretText(credential, words)}${lookedForText(credential)}`;
}

/**
 * Entra does not know the key that signed a federated token. It keeps an issuer's keys, so that a new issuer or a rotated key is
 * refused for minutes (reports name 20 to 30), and then taken.
 */
const UNKNOWN_KEY = /AADSTS7000272\b/;
/** First pause before asking again after that, in milliseconds; each later one is twice as long. */
const KEY_PAUSE = 500;
/** Longest such pause, in milliseconds. */
const LONGEST_KEY_PAUSE = 60_000;

/** How long a failure that may pass is remembered, in milliseconds: long enough for those who ask at the same time. */
const PASSING = 10_000;

/** Whether a failure is of the network or of the sign-in service, rather than of the credential. */
function isPassing(error: unknown): boolean {
  if (!isNativeError(error)) {
    return false;
  }
  const { statusCode, code } = membersOf(error);
  return (
    (typeof statusCode === "number" && (statusCode >= 500 || statusCode === 429)) ||
    /AADSTS(90033|90006|90024|90055|7000272)\b/.test(error.message) ||
    error.name === "RestError" ||
    (typeof code === "string" && /^(E[A-Z]+|UND_ERR_|network_error)/.test(code)) ||
    /^fetch failed|endpoints_resolution_error|network_error/.test(error.message) ||
    error.name === "TimeoutError"
  );
}

/** Whether no answer came at all, so that nothing is known about the credential. */
function isWithoutAnswer(error: unknown): boolean {
  return isPassing(error) && membersOf(error).statusCode === undefined && !/AADSTS/.test(String(error));
}

/** Entra's refusals that are about the service a token is wanted for; all others would meet every service alike. */
const OF_ONE_SERVICE = /AADSTS(500011|500014|650052|650057|65001|70011|900144)\b/;

/** Key of a failure that every service would meet. */
const EVERY_SERVICE = "";

/** Tokens of one configuration. */
class CachedTokens implements TokenSource {
  readonly #configuration: Configuration;
  readonly #fresh = new Map<string, FreshToken>();
  readonly #asked = new Map<string, Promise<FreshToken>>();
  readonly #failures = new Map<string, { error: TokenError; until: number }>();
  #ask: AskForToken | undefined;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  async token(service: Service, options: TokenOptions = {}): Promise<string> {
    const action = `signing in to ${SERVICE_NAMES[service]}`;
    const { cloud, environmentUrl } = this.#configuration;
    const scope = scopeOf(service, cloud, options.environmentUrl ?? environmentUrl);
    if (scope === undefined) {
      const nextStep = "Set `mailboxes:environmentUrl` (or DATAVERSE_URL) to one like https://org.crm4.dynamics.com.";
      throw new TokenError({ action, words: "no Dataverse environment is named", nextStep });
    }
    const failure = this.#failure(scope) ?? this.#failure(EVERY_SERVICE);
    if (failure !== undefined) {
      throw failure;
    }
    const known = this.#fresh.get(scope);
    if (known !== undefined && options.forceRefresh !== true && known.expires - EARLY > Date.now()) {
      return known.token;
    }
    return (await this.#unlessCancelled(this.#asking(scope, action), action, options.signal)).token;
  }

  /** One request for a token at a time and scope, shared by all callers; a caller that gives up does not end it. */
  #asking(scope: string, action: string): Promise<FreshToken> {
    const running = this.#asked.get(scope) ?? this.#get(scope, action).finally(() => this.#asked.delete(scope));
    this.#asked.set(scope, running);
    return running;
  }

  async #get(scope: string, action: string): Promise<FreshToken> {
    try {
      const { tenantId } = this.#configuration;
      if (tenantId === undefined) {
        throw new Error("no tenant is named: neither mailboxes:tenantId nor AZURE_TENANT_ID is set");
      }
      this.#ask ??= askerOf(this.#configuration, tenantId);
      const fresh = await this.#onceTheKeyIsKnown(scope, this.#ask);
      rememberSecret(fresh.token);
      this.#fresh.set(scope, fresh);
      return fresh;
    } catch (error) {
      const key = isNativeError(error) && OF_ONE_SERVICE.test(error.message) ? scope : EVERY_SERVICE;
      // Two services may have asked at the same time: the second one is told what the first one was.
      const failure = this.#failure(key) ?? this.#failureOf(error, action);
      // A wrong credential does not get better within one deployment, and dozens of resources would each try it.
      const until = isPassing(error) ? Date.now() + PASSING : Number.POSITIVE_INFINITY;
      this.#failures.set(key, { error: failure, until });
      throw failure;
    }
  }

  /** Asks again while Entra does not know the key that signed the token, for as long as writes are waited for. */
  async #onceTheKeyIsKnown(scope: string, ask: AskForToken): Promise<FreshToken> {
    const end = Date.now() + this.#configuration.settleTimeout;
    for (let pause = KEY_PAUSE; ; pause = Math.min(2 * pause, LONGEST_KEY_PAUSE)) {
      const began = Date.now();
      try {
        return await ask(scope);
      } catch (error) {
        if (!(isNativeError(error) && UNKNOWN_KEY.test(error.message)) || began >= end) {
          throw error;
        }
        await sleep(Math.min(pause, Math.max(0, end - Date.now())));
      }
    }
  }

  #failure(key: string): TokenError | undefined {
    const failure = this.#failures.get(key);
    return failure !== undefined && Date.now() < failure.until ? failure.error : undefined;
  }

  #failureOf(error: unknown, action: string): TokenError {
    const { credential } = this.#configuration;
    if (error instanceof TokenError) {
      return new TokenError({ action, words: error.message, cause: error });
    }
    const words = `with ${WAYS[credential.kind]}: ${wordsOf(error)}`;
    return new TokenError({
      action,
      words,
      nextStep: nextStepOf(this.#configuration, words, isWithoutAnswer(error)),
      cause: error,
    });
  }

  #unlessCancelled<T>(work: Promise<T>, action: string, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) {
      return work;
    }
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(cancelled(action));
      if (signal.aborted) {
        stop();
      }
      signal.addEventListener("abort", stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    });
  }
}

/**
 * The tokens of a configuration: cached for each service, asked for once when many want one. The first failure is
 * remembered, and later callers get the same error object, for whichever service unless it is about that one; a failure of the
 * network is remembered only for a few seconds.
 */
export function createTokenSource(configuration: Configuration): TokenSource {
  return new CachedTokens(configuration);
}

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
  const send = await fetchTo(url.href);
  const response = await send(url, {
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

/** A token and when it ends, in epoch milliseconds. */
interface FreshToken {
  token: string;
  expires: number;
}

/** The sign-in refused; `message` has its text with the AADSTS number. */
class SignInRefused extends Error {
  override readonly name = "SignInRefused";
}

/** What is sent to the token endpoint. */
interface SignIn {
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
 * Client credentials over plain http, for a local tenant on this machine: @azure/identity insists on TLS.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 *
 * @throws SignInRefused when the sign-in says no; fetch's own errors when there is no answer.
 */
async function signInLocally(signIn: SignIn): Promise<FreshToken> {
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
    signal: AbortSignal.timeout(LOCAL_TIMEOUT),
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

function parseMembers(text: string): Row {
  try {
    return mapOf(JSON.parse(text));
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
