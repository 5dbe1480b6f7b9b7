import type { Provenance } from "../provenance";

/** What the sign-in simulates, and how it is known. */
export const provenance: Provenance[] = [
  {
    id: "login.client-secret",
    behaviour: "Client credentials at /{tenant}/oauth2/v2.0/token with a secret, in the form or as Basic authorization",
    mark: "documented",
    source: "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow",
  },
  {
    id: "login.certificate-assertion",
    behaviour:
      "A certificate assertion is looked up by x5t or x5t#S256 and its signature, times, subject and audience are checked",
    mark: "documented",
    source: "https://learn.microsoft.com/entra/identity-platform/certificate-credentials",
  },
  {
    id: "login.federated-match",
    behaviour: "A federated token needs issuer, subject and audience registered on the application, case included",
    mark: "documented",
    source: "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
  },
  {
    id: "login.scope-default",
    behaviour: "The scope must be one resource with /.default; without it AADSTS1002012",
    mark: "observed",
    source: "error texts quoted in public issues of MSAL and of Microsoft's own samples",
  },
  {
    id: "login.audience",
    behaviour:
      "Exchange's audience is https://outlook.office365.com, Graph's https://graph.microsoft.com; a token for another service is refused at call time",
    mark: "documented",
    source: "https://learn.microsoft.com/exchange/reference/admin-api-authentication",
  },
  {
    id: "login.dataverse-audience",
    behaviour: "A Dataverse token is asked for as <environment URL>/.default and carries that URL as its audience",
    mark: "documented",
    source: "https://learn.microsoft.com/power-apps/developer/data-platform/authenticate-oauth",
  },
  {
    id: "login.roles-in-token",
    behaviour: "App roles stand in the token and count as of its issue",
    mark: "documented",
    source: "https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2",
  },
  {
    id: "login.token-claims",
    behaviour:
      "oid and sub are the id of the application's service principal, idp is the issuer, appidacr tells a secret (1) from an assertion (2)",
    mark: "documented",
    source: "https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference",
  },
  {
    id: "login.error-shape",
    behaviour:
      "Errors carry AADSTS numbers in the description and in error_codes, with trace id, correlation id and time",
    mark: "documented",
    source: "https://learn.microsoft.com/entra/identity-platform/reference-error-codes",
  },
  {
    id: "login.error-status",
    behaviour: "HTTP statuses: 401 for a wrong secret or assertion, 400 for everything else",
    mark: "observed",
    source: "answers quoted in public issues of @azure/identity and MSAL",
  },
  {
    id: "login.federated-unknown-key",
    behaviour:
      "A federated token signed with a key its issuer is not known to have is 401 invalid_client, AADSTS7000272",
    mark: "observed",
    source: "Azure/azure-workload-identity issue 1232 and five further projects; right after a new key it passes",
  },
  {
    id: "login.federated-wrong-signature",
    behaviour: "A federated token with a known key and a wrong signature is AADSTS50013",
    mark: "assumed",
    source: "the number's documented text; which of several it is was not seen for this flow",
    contrary: "AADSTS50027",
  },
  {
    id: "login.clock-skew",
    behaviour: "Clocks of client and service may differ by five minutes",
    mark: "assumed",
    source: "the tolerance Entra documents for other assertions",
    contrary: "No difference is allowed",
  },
];
