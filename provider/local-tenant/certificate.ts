import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** A certificate and its private key, both PEM. */
export interface Certificate {
  certificate: string;
  privateKey: string;
}

const YEAR = 365 * 24 * 60 * 60 * 1000;

/**
 * A self-signed certificate for localhost, 127.0.0.1 and ::1. With a journal it is kept beside it: the certificate alone in
 * `JOURNAL.pem`, to be trusted by clients, and the key in `JOURNAL.key`, readable by its owner only. It is made anew when one
 * of the two is gone or within a month of its end (ten years).
 */
export async function certificateFor(journal: string | undefined): Promise<Certificate> {
  if (journal === undefined) {
    return await made();
  }
  const paths = { certificate: `${journal}.pem`, privateKey: `${journal}.key` };
  if (existsSync(paths.certificate) && existsSync(paths.privateKey)) {
    const kept = {
      certificate: readFileSync(paths.certificate, "utf8"),
      privateKey: readFileSync(paths.privateKey, "utf8"),
    };
    if (Date.parse(new X509Certificate(kept.certificate).validTo) > Date.now() + YEAR / 12) {
      return kept;
    }
  }
  const fresh = await made();
  writeFileSync(paths.privateKey, fresh.privateKey, { mode: 0o600 });
  writeFileSync(paths.certificate, fresh.certificate);
  return fresh;
}

async function made(): Promise<Certificate> {
  // Loaded for https only: it takes longer to load than the tenant's own modules.
  const { generate } = await import("selfsigned");
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    algorithm: "sha256",
    keySize: 2048,
    notAfterDate: new Date(Date.now() + 10 * YEAR),
    extensions: [
      // It signs itself and is what clients trust, so it has to be an authority as well.
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, keyCertSign: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { certificate: pair.cert, privateKey: pair.private };
}
