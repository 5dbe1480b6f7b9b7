import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const tenantId = "10ca17e4-a000-4000-8000-000000000001";
export const appId = "10ca17e4-a000-4000-8000-000000000002";
export const secret = "local-tenant-secret";
export const ada = "10ca17e4-a001-4000-8000-000000000001";

export const scopes = {
  exchange: "https://outlook.office365.com/.default",
  graph: "https://graph.microsoft.com/.default",
};

/** A folder for one test file's journals, gone after its tests. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "local-tenant-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Posts a form to the token endpoint. */
export async function askToken(
  origin: string,
  form: Record<string, string>,
  tenant = tenantId,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${origin}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    headers,
    body: new URLSearchParams({ grant_type: "client_credentials", ...form }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A token of the application with every right. */
export async function tokenFor(origin: string, scope: string, client = appId): Promise<string> {
  const { status, body } = await askToken(origin, { client_id: client, client_secret: secret, scope });
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  return String(body.access_token);
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
}

/** Asks the control interface. */
export async function control(origin: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${origin}/_tenant/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer: unknown = text === "" ? undefined : JSON.parse(text);
  return response.ok ? answer : { status: response.status, ...(answer as object) };
}

const hook = join(__dirname, "typescript.cjs");
const children: ChildProcess[] = [];

// A test that fails half-way leaves its processes; they would keep the test run from ending.
afterEach(() => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
  }
});

/** Runs a TypeScript module or source text in a process of its own. */
export function runNode(args: string[], env: Record<string, string> = {}, cwd = process.cwd()): ChildProcess {
  const child = spawn(process.execPath, ["-r", hook, ...args], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

/** Runs the command of the package: `mailboxes …`. */
export function mailboxes(...args: string[]): ChildProcess {
  return runNode([join(__dirname, "../../provider/cli.ts"), ...args]);
}

/** The first lines a process prints. Fails with what it wrote to stderr when it ends before. */
export async function firstLines(child: ChildProcess, count: number): Promise<string[]> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new Error("the process has no output");
  }
  let complaint = "";
  stderr.on("data", (data) => {
    complaint += String(data);
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    lines.push(line);
    if (lines.length === count) {
      return lines;
    }
  }
  throw new Error(`the process ended after ${lines.length} lines: ${complaint}`);
}

/** Waits for the end of a process; its exit code and all it printed. */
export async function finished(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (data) => {
      out[name] += String(data);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...out };
}
