import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { appId, claimsOf, control, finished, runNode, scopes, secret, tenantId, workFolder } from "./core";

const folder = workFolder();
const journal = join(folder, "tenant.jsonl");
let running: RunningTenant;

beforeAll(async () => {
  running = await startLocalTenant({ journal, https: "127.0.0.1:0", seed: "contoso" });
});

afterAll(async () => {
  await running.close();
});

/** Runs a program that makes a `credential` of @azure/identity and prints the token it gets. */
async function tokenBy(credential: string): Promise<string> {
  const program = `
    const identity = require(${JSON.stringify(require.resolve("@azure/identity"))});
    const options = { authorityHost: ${JSON.stringify(running.httpsOrigin)}, disableInstanceDiscovery: true };
    const credential = ${credential};
    credential.getToken(${JSON.stringify(scopes.exchange)}).then(
      ({ token }) => console.log(token),
      (error) => { console.error(error); process.exitCode = 1; },
    );`;
  const { code, stdout, stderr } = await finished(runNode(["-e", program], { NODE_EXTRA_CA_CERTS: `${journal}.pem` }));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

test("@azure/identity gets a token with a secret", async () => {
  const token = await tokenBy(`new identity.ClientSecretCredential("${tenantId}", "${appId}", "${secret}", options)`);
  expect(claimsOf(token)).toMatchObject({ aud: "https://outlook.office365.com", appid: appId, tid: tenantId });
});

test("@azure/identity gets a token with a certificate", async () => {
  const pair = await generate([{ name: "commonName", value: "ci" }], { keySize: 2048 });
  const path = join(folder, "ci.pem");
  writeFileSync(path, `${pair.private}\n${pair.cert}\n`);
  await control(running.origin, "PATCH", `state/applications/${appId}`, { certificates: [pair.cert] });
  const token = await tokenBy(
    `new identity.ClientCertificateCredential("${tenantId}", "${appId}", ${JSON.stringify(path)}, options)`,
  );
  expect(claimsOf(token)).toMatchObject({ appid: appId });
});

test("@azure/identity gets a token with a federated token", async () => {
  const { generateKeyPairSync } = await import("node:crypto");
  const { default: jwt } = await import("jsonwebtoken");
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const known = { issuer: "https://token.example", subject: "ci", audience: "api://AzureADTokenExchange" };
  await control(running.origin, "PATCH", `state/applications/${appId}`, {
    federatedCredentials: [{ ...known, publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) }],
  });
  const assertion = jwt.sign({}, privateKey, { algorithm: "RS256", ...known, expiresIn: 300 });
  const token = await tokenBy(
    `new identity.ClientAssertionCredential("${tenantId}", "${appId}", async () => "${assertion}", options)`,
  );
  expect(claimsOf(token)).toMatchObject({ appid: appId });
});

test("the certificate and its key are kept for the next start", async () => {
  const again = join(folder, "again.jsonl");
  const first = await startLocalTenant({ journal: again, https: "127.0.0.1:0" });
  await first.close();
  const second = await startLocalTenant({ journal: again, https: "127.0.0.1:0" });
  await second.close();
  expect(second.certificate).toBe(first.certificate);
  const { statSync, readFileSync } = await import("node:fs");
  expect(statSync(`${again}.key`).mode & 0o077).toBe(0);
  expect(readFileSync(`${again}.pem`, "utf8")).not.toContain("PRIVATE KEY");
});
