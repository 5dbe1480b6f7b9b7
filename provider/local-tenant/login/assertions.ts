import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import jwt from "jsonwebtoken";
import type { Application } from "../model";
import { signInErrors } from "./errors";

/** What an assertion is checked against. */
interface Expectation {
  application: Application;
  /** Tenant time in milliseconds. */
  now: number;
  /** Seconds the clocks of client and service may differ. */
  skew: number;
  /** The error for a federated token whose key is known and whose signature is wrong. */
  badFederatedSignature: () => Error;
  /** Whether `aud` names the token endpoint the assertion was sent to. */
  isAudience: (audience: string) => boolean;
}

/**
 * Checks a client assertion: either signed with a certificate registered on the application (its thumbprint in the header's
 * `x5t` or `x5t#S256`), or a token of another issuer that a federated credential of the application names. Throws a SignInError.
 */
export function checkAssertion(assertion: string, expected: Expectation): void {
  const decoded = decode(assertion);
  const { header, payload } = decoded;
  const isCertificate = "x5t" in header || "x5t#S256" in header || payload.iss === expected.application.appId;
  if (isCertificate) {
    checkCertificate(assertion, decoded, expected);
  } else {
    checkFederated(assertion, decoded, expected);
  }
}

interface Decoded {
  header: Record<string, unknown>;
  payload: jwt.JwtPayload;
}

function decode(assertion: string): Decoded {
  const decoded = parts(assertion);
  if (decoded === null || typeof decoded.payload === "string") {
    throw signInErrors.malformedAssertion();
  }
  return { header: { ...decoded.header }, payload: decoded.payload };
}

function parts(assertion: string): jwt.Jwt | null {
  try {
    return jwt.decode(assertion, { complete: true });
  } catch {
    return null;
  }
}

function checkCertificate(assertion: string, { header, payload }: Decoded, expected: Expectation): void {
  // @documented login.certificate-assertion: A certificate assertion is looked up by x5t or x5t#S256 and its signature, times,
  // subject and audience are checked [https://learn.microsoft.com/entra/identity-platform/certificate-credentials]
  const thumbprint = String(header["x5t#S256"] ?? header.x5t ?? "");
  const hash = "x5t#S256" in header ? "sha256" : "sha1";
  const shown = Buffer.from(thumbprint, "base64url").toString("hex").toUpperCase();
  const certificate = expected.application.certificates
    .map((pem) => new X509Certificate(pem))
    .find((known) => createHash(hash).update(known.raw).digest("base64url") === thumbprint.replace(/=+$/, ""));
  if (certificate === undefined) {
    throw signInErrors.unknownCertificate(shown);
  }
  if (!isSigned(assertion, certificate.publicKey.export({ type: "spki", format: "pem" }).toString())) {
    throw signInErrors.badAssertionSignature(shown);
  }
  checkTimes(payload, expected);
  if (payload.iss !== expected.application.appId || payload.sub !== expected.application.appId) {
    throw signInErrors.assertionWrongApplication();
  }
  if (!audiencesOf(payload).some(expected.isAudience)) {
    throw signInErrors.assertionWrongAudience(audiencesOf(payload).join(", "));
  }
}

function checkFederated(assertion: string, { header, payload }: Decoded, expected: Expectation): void {
  // @documented login.federated-match: A federated token needs issuer, subject and audience registered on the application, case
  // included [https://learn.microsoft.com/entra/workload-id/workload-identity-federation]
  // @observed login.federated-unknown-key: A federated token signed with a key its issuer is not known to have is 401
  // invalid_client, AADSTS7000272 [Azure/azure-workload-identity issue 1232 and five further projects; right after a new key it
  // passes]
  // @assumed login.federated-wrong-signature: A federated token with a known key and a wrong signature is AADSTS50013 [the number's
  // documented text; which of several it is was not seen for this flow]
  const byIssuer = (expected.application.federatedCredentials ?? []).filter((known) => known.issuer === payload.iss);
  if (byIssuer.length === 0) {
    throw signInErrors.noFederatedIssuer(String(payload.iss));
  }
  const bySubject = byIssuer.filter((known) => known.subject === payload.sub);
  if (bySubject.length === 0) {
    throw signInErrors.noFederatedSubject(String(payload.sub));
  }
  const matching = bySubject.filter((known) => audiencesOf(payload).includes(known.audience));
  if (matching.length === 0) {
    throw signInErrors.noFederatedAudience(audiencesOf(payload).join(", "));
  }
  const isKnownKey = matching.some(({ keyId }) => keyId !== undefined && keyId === header.kid);
  const candidates = matching.filter(({ keyId }) => keyId === undefined || keyId === header.kid);
  if (!candidates.some((known) => isSigned(assertion, known.publicKeyPem))) {
    throw isKnownKey
      ? expected.badFederatedSignature()
      : signInErrors.unknownFederatedKey(payload.iss ?? "", header.kid);
  }
  checkTimes(payload, expected);
}

function isSigned(assertion: string, publicKeyPem: string): boolean {
  try {
    const key = createPublicKey(publicKeyPem);
    const algorithms: jwt.Algorithm[] =
      key.asymmetricKeyType === "ec" ? ["ES256", "ES384"] : ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    // The times are checked apart, so that each failure has its own number.
    jwt.verify(assertion, key, { algorithms, ignoreExpiration: true, ignoreNotBefore: true });
    return true;
  } catch {
    return false;
  }
}

function checkTimes(payload: jwt.JwtPayload, { now, skew }: Expectation): void {
  // @assumed login.clock-skew: Clocks of client and service may differ by five minutes [the tolerance Entra documents for other
  // assertions]
  const seconds = now / 1000;
  const from = payload.nbf ?? payload.iat ?? 0;
  if (payload.exp === undefined || seconds > payload.exp + skew || seconds < from - skew) {
    const shown = (time: number): string => new Date(time * 1000).toISOString();
    throw signInErrors.assertionExpired(shown(seconds), shown(from), shown(payload.exp ?? 0));
  }
}

function audiencesOf(payload: jwt.JwtPayload): string[] {
  return payload.aud === undefined ? [] : [payload.aud].flat();
}
