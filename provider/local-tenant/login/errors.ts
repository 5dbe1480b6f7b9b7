import { randomUUID } from "node:crypto";

/** An error of the sign-in service. `error` and status are OAuth's, `number` is the AADSTS code. */
export class SignInError extends Error {
  override readonly name = "SignInError";

  constructor(
    readonly status: 400 | 401,
    readonly error: string,
    readonly number: number,
    text: string,
  ) {
    super(text);
  }
}

/** The body Entra answers: the description ends with trace id, correlation id and time, which are members too. */
export function signInErrorBody(error: SignInError, at: string, correlationId: string) {
  const timestamp = `${at.slice(0, 19).replace("T", " ")}Z`;
  const traceId = randomUUID();
  const trailer = `Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return {
    error: error.error,
    error_description: `AADSTS${error.number}: ${error.message} ${trailer}`,
    error_codes: [error.number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
  };
}

/** Every error the sign-in knows. */
export const signInErrors = {
  // @documented login.error-shape: Errors carry AADSTS numbers in the description and in error_codes, with trace id, correlation id
  // and time [https://learn.microsoft.com/entra/identity-platform/reference-error-codes]
  tenantNotFound: (tenant: string) =>
    new SignInError(
      400,
      "invalid_request",
      90002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  commonEndpoint: (appId: string) =>
    new SignInError(
      400,
      "invalid_request",
      50194,
      `Application '${appId}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.`,
    ),
  missingParameter: (name: string) =>
    new SignInError(
      400,
      "invalid_request",
      900144,
      `The request body must contain the following parameter: '${name}'.`,
    ),
  unsupportedGrantType: (grantType: string) =>
    new SignInError(
      400,
      "unsupported_grant_type",
      70003,
      `The app requested an unsupported grant type '${grantType}'. The local tenant knows client_credentials.`,
    ),
  unknownApplication: (appId: string, tenant: string) =>
    new SignInError(
      400,
      "unauthorized_client",
      700016,
      `Application with identifier '${appId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  missingCredential: () =>
    invalidClient(
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  wrongSecret: (appId: string) =>
    invalidClient(
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${appId}'.`,
    ),
  unsupportedAssertionType: () =>
    new SignInError(
      400,
      "invalid_request",
      50027,
      "JWT token is invalid or malformed: client_assertion_type must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'.",
    ),
  malformedAssertion: () => invalidClient(50027, "JWT token is invalid or malformed."),
  unknownCertificate: (thumbprint: string) =>
    invalidClient(
      700027,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}']`,
    ),
  badAssertionSignature: (thumbprint: string) =>
    invalidClient(
      700027,
      `Client assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '${thumbprint}']`,
    ),
  assertionExpired: (now: string, from: string, until: string) =>
    invalidClient(
      700024,
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${until}.`,
    ),
  assertionWrongApplication: () =>
    invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter."),
  assertionWrongAudience: (audience: string) =>
    invalidClient(
      700023,
      `Client assertion audience claim does not match Realm issuer. The audience sent is '${audience}'.`,
    ),
  noFederatedIssuer: (issuer: string) => noFederatedRecord(700211, `issuer '${issuer}'`),
  noFederatedAudience: (audience: string) => noFederatedRecord(700212, `audience '${audience}'`),
  noFederatedSubject: (subject: string) => noFederatedRecord(700213, `subject '${subject}'`),
  unknownFederatedKey: (issuer: string, keyId: unknown) =>
    invalidClient(
      7000272,
      `The certificate with identifier '${String(keyId ?? "")}' used to sign the federated credential could not be found in the metadata of identity provider '${issuer}'.`,
    ),
  badFederatedSignature: () =>
    invalidClient(
      50013,
      "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]",
    ),
  scopeWithoutDefault: (scope: string) =>
    new SignInError(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ),
  unknownResource: (resource: string, tenant: string) =>
    new SignInError(
      400,
      "invalid_resource",
      500011,
      `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    ),
  unknownEndpoint: (path: string) =>
    new SignInError(400, "invalid_request", 900561, `The local tenant's sign-in has no endpoint ${path}.`),
  wrongMethod: (method: string) =>
    new SignInError(
      400,
      "invalid_request",
      900561,
      `The endpoint only accepts POST requests. Received a ${method} request.`,
    ),
};

function invalidClient(code: number, text: string): SignInError {
  return new SignInError(401, "invalid_client", code, text);
}

function noFederatedRecord(code: number, presented: string): SignInError {
  return invalidClient(
    code,
    `No matching federated identity record found for presented assertion ${presented}. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
  );
}
