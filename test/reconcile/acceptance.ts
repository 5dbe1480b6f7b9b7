import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { generate } from "selfsigned";
import { type AcceptanceOptions, acceptance, type ExitCode, probes } from "../../provider/acceptance/run";
import { behaviours } from "../contract/behaviours";
import { type Row, startWorld, type World } from "./harness";

export const APPLICATION = "10ca17e4-a000-4000-8000-000000000002";

/** Every behaviour of the local tenant. */
export const rows = behaviours();

/** Probes of what the tenant can show the other way round. */
export const turnable = probes
  .map(({ row }) => row)
  .filter((row) => rows.some(({ id, contrary }) => id === row && contrary !== undefined));

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A run of `mailboxes acceptance`, and what it left. */
export interface Run {
  exit: ExitCode;
  /** What was printed. */
  said: string;
  /** Each probe's verdict, by its row. */
  verdicts: Record<string, string>;
  /** The text of the record; undefined when none was written. */
  record: string | undefined;
}

/** Where a run happens, and who listens to it. */
interface Around {
  folder?: string;
  controller?: AbortController;
  say?: (text: string) => void;
}

/** The folder of a test's runs: journal and records are in it. */
export function runFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "acceptance-"));
  folders.push(folder);
  return folder;
}

/** Runs `mailboxes acceptance` on a world's tenant. */
export async function runAcceptance(
  world: World,
  options: AcceptanceOptions,
  { folder = runFolder(), controller = new AbortController(), say = () => undefined }: Around = {},
): Promise<Run> {
  const said: string[] = [];
  // Some probes wait this long for what must not come. The tenant shows what is written at once; its tests of records take 0.3 s.
  const values: Row = { localTenant: world.origin, settleTimeout: "2s" };
  const record = join(folder, `record-${Math.random()}.json`);
  const exit = await acceptance(
    { record, journal: join(folder, "made.jsonl"), ...options },
    {
      raw: {
        get: (key) => values[key.replace("mailboxes:", "")],
        keys: Object.keys(values).map((key) => `mailboxes:${key}`),
      },
      say: (text) => {
        said.push(text);
        say(text);
      },
      signal: controller.signal,
    },
  );
  const text = said.join("\n");
  const lines = [...text.matchAll(/^(confirmed|contradicted|not tried) +(\S+)$/gm)];
  return {
    exit,
    said: text,
    verdicts: Object.fromEntries(lines.map(([, verdict = "", row = ""]) => [row, verdict])),
    record: readIfThere(record),
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** The application's certificate, and the key of the issuer of its tokens. Making RSA keys takes longer than a run: made once. */
const credentials = (async () => {
  const { private: key, cert } = await generate([{ name: "commonName", value: "acceptance" }], { keySize: 2048 });
  return { key, cert, issuer: generateKeyPairSync("rsa", { modulusLength: 2048 }) };
})();

/** A tenant on which everything can be tried: a low limit, tests that last, a certificate of the application. */
export async function tryable(): Promise<{ world: World; folder: string; run: (more?: Row) => Promise<Run> }> {
  const world = await startWorld({
    settings: { test: { duration: 300 }, serviceProtection: { latency: 20, concurrency: 3 } },
  });
  const folder = runFolder();
  const { key, cert, issuer } = await credentials;
  const { publicKey, privateKey } = issuer;
  const certificate = join(folder, "certificate.pem");
  writeFileSync(certificate, `${key}\n${cert}\n`);
  const known = { issuer: "https://token.actions.example", subject: "repo:contoso/mail", audience: "api://x" };
  const federatedToken = join(folder, "federated.jwt");
  writeFileSync(federatedToken, jwt.sign({}, privateKey, { algorithm: "RS256", keyid: "1", ...known, expiresIn: 300 }));
  await world.control("PATCH", `state/applications/${APPLICATION}`, {
    certificates: [cert],
    federatedCredentials: [{ ...known, keyId: "1", publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) }],
  });
  const usual = { domain: "contoso.com", prefix: "probe", yes: true, certificate, federatedToken };
  const run = (more: Row = {}) => runAcceptance(world, { ...usual, ...more }, { folder });
  return { world, folder, run };
}

/** The probes that a run did not confirm. */
export function otherThanConfirmed({ verdicts }: Pick<Run, "verdicts">): string[] {
  return Object.keys(verdicts).filter((row) => verdicts[row] !== "confirmed");
}
