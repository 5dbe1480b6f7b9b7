import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import jwt from "jsonwebtoken";
import type { Ground } from "../made";
import { type Probe, seen, Unprepared, type Verdict } from "../wire";

/** Minutes by which an assertion is over; five are assumed to be forgiven. */
const FORGIVEN = 4;
const REFUSED = 7;

/** A client assertion of the application's certificate that ended some minutes ago. */
function endedAssertion(ground: Ground, minutes: number): string {
  const { clientId, certificatePath, audience } = ground.wire.certificate();
  const pem = readFileSync(certificatePath, "utf8");
  let key: ReturnType<typeof createPrivateKey>;
  let certificate: X509Certificate;
  try {
    key = createPrivateKey(pem);
    certificate = new X509Certificate(pem);
  } catch {
    throw new Unprepared("needs a PEM file that holds the certificate and its private key, without a password");
  }
  const end = Math.floor(Date.now() / 1000) - minutes * 60;
  const thumbprint = createHash("sha256").update(certificate.raw).digest("base64url");
  return jwt.sign(
    { aud: audience, iss: clientId, sub: clientId, jti: randomUUID(), nbf: end - 600, iat: end - 600, exp: end },
    key,
    { algorithm: "RS256", header: { alg: "RS256", typ: "JWT", "x5t#S256": thumbprint } },
  );
}

async function statusOf(ground: Ground, minutes: number): Promise<number> {
  const { clientId, scope } = ground.wire.certificate();
  const reply = await ground.wire.signIn({
    grant_type: "client_credentials",
    client_id: clientId,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: endedAssertion(ground, minutes),
    scope,
  });
  const description = String(reply.body?.error_description ?? "");
  if (reply.status !== 200 && !description.includes("AADSTS700024")) {
    throw new Unprepared(`the sign-in refused the certificate for another reason than time (HTTP ${reply.status})`);
  }
  return reply.status;
}

/**
 * `login.clock-skew`: signs in with an assertion that ended four minutes ago, and with one that ended seven minutes ago. The first
 * taken and the second refused (AADSTS700024) confirms five minutes.
 */
async function clockSkew(ground: Ground): Promise<Verdict> {
  const [early, late] = [await statusOf(ground, FORGIVEN), await statusOf(ground, REFUSED)];
  return seen(
    early === 200 && late !== 200,
    `an assertion over for ${FORGIVEN} minutes was answered with HTTP ${early}, one for ${REFUSED} minutes with HTTP ${late}`,
  );
}

/** The token with another signature of the same length: its key is known, and does not fit. */
function forged(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url").map((byte) => byte ^ 0xff);
  return [header, payload, Buffer.from(bytes).toString("base64url")].join(".");
}

/**
 * `login.federated-wrong-signature`: signs in with a token of the application's federated credential whose signature was spoilt.
 * AADSTS50013 confirms; another refusal, or a token, contradicts.
 */
async function federatedSignature({ wire }: Ground): Promise<Verdict> {
  const { clientId, token, scope } = await wire.federated();
  const reply = await wire.signIn({
    grant_type: "client_credentials",
    client_id: clientId,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: forged(token),
    scope,
  });
  const code = /AADSTS\d+/.exec(String(reply.body?.error_description ?? ""))?.[0];
  return seen(code === "AADSTS50013", `a wrong signature was answered with HTTP ${reply.status} ${code ?? ""}`.trim());
}

/** What is tried on the sign-in. */
export const loginProbes: readonly Probe[] = [
  {
    row: "login.federated-wrong-signature",
    assumption: "A federated token with a wrong signature is refused with AADSTS50013.",
    needs: ["federatedToken"],
    ask: federatedSignature,
  },
  {
    row: "login.clock-skew",
    assumption: "The sign-in forgives clocks that differ by up to five minutes.",
    needs: ["certificate"],
    ask: clockSkew,
  },
];
