import { randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Another process holds the journal and serves it at `origin`. */
export class JournalInUseError extends Error {
  override readonly name = "JournalInUseError";

  constructor(
    readonly journal: string,
    readonly origin: string,
    readonly pid: number,
  ) {
    super(`${journal} is held by process ${pid}, which serves it at ${origin}`);
  }
}

/** The right to write a journal; one process at a time has it. */
export interface JournalLock {
  /** Where a dead process that held the journal last served it. */
  readonly formerOrigin: string | undefined;
  /** Tells others where the journal is served now. */
  publish(origin: string): void;
  /** Gives the journal free; a lock that is no longer ours stays. */
  release(): void;
}

interface LockFile {
  token: string;
  pid: number;
  /** Null until its process listens. */
  origin: string | null;
}

/** How long a process may take from its lock to its address, in milliseconds. */
const STARTING = 10_000;
/** How long a living process may take to answer, in milliseconds. */
const ANSWERING = 10_000;

/**
 * Takes the lock `JOURNAL.lock`. Throws `JournalInUseError` when a process holds it and answers there. The lock of a process that
 * is dead, or whose address refuses connections, is taken over.
 */
export async function acquireLock(journal: string): Promise<JournalLock> {
  mkdirSync(dirname(journal), { recursive: true });
  const path = `${realPath(journal)}.lock`;
  const token = randomUUID();
  let formerOrigin: string | undefined;
  for (;;) {
    if (create(path, { token, pid: process.pid, origin: null })) {
      return lockOf(path, token, formerOrigin);
    }
    const found = readLock(path);
    if (found === undefined) {
      continue;
    }
    if (await isServed(path, found)) {
      const now = readLock(path);
      if (now?.token === found.token && now.origin !== null) {
        throw new JournalInUseError(journal, now.origin, now.pid);
      }
      continue;
    }
    formerOrigin = readLock(path)?.origin ?? found.origin ?? undefined;
    await removeStale(path, found.token);
  }
}

/** What answers at an origin, when a local tenant does; "nobody" when connections are refused, "silent" when no answer comes. */
export async function ping(
  origin: string,
  timeout = ANSWERING,
): Promise<{ journal: string | null; tenantId: string | undefined } | "nobody" | "silent"> {
  try {
    const response = await fetch(new URL("/_tenant/", origin), { signal: AbortSignal.timeout(timeout) });
    const answer: unknown = await response.json();
    return typeof answer === "object" && answer !== null && "localTenant" in answer && "journal" in answer
      ? {
          journal: typeof answer.journal === "string" ? answer.journal : null,
          tenantId: "tenantId" in answer && typeof answer.tenantId === "string" ? answer.tenantId : undefined,
        }
      : "nobody";
  } catch (error) {
    return nameOf(error) === "TimeoutError" ? "silent" : "nobody";
  }
}

/** Waits for the holder's address where it has none yet, and asks there. */
async function isServed(path: string, found: LockFile): Promise<boolean> {
  const journal = path.slice(0, -".lock".length);
  const deadline = Date.now() + STARTING;
  for (let holder: LockFile | undefined = found; holder?.token === found.token; holder = readLock(path)) {
    if (!isAlive(holder.pid)) {
      return false;
    }
    if (holder.origin !== null) {
      const answer = await ping(holder.origin);
      if (answer === "silent") {
        throw new Error(
          `${journal} is held by process ${holder.pid} at ${holder.origin}, which does not answer. Stop that process, then try again.`,
        );
      }
      return answer !== "nobody" && answer.journal === realPath(journal);
    }
    if (Date.now() > deadline) {
      return false;
    }
    await wait(25);
  }
  return true;
}

/**
 * Removes a lock that was found stale. Between finding and removing, another process may have done the same and hold the
 * journal by now; so only one process at a time removes, and only the very lock that was found.
 */
async function removeStale(path: string, token: string): Promise<void> {
  const guard = `${path}.takeover`;
  try {
    closeSync(openSync(guard, "wx"));
  } catch (error) {
    if (!isCode(error, "EEXIST")) {
      throw error;
    }
    const age = ageOf(guard);
    if (age !== undefined && age > STARTING) {
      rmSync(guard, { force: true });
    }
    await wait(25);
    return;
  }
  try {
    if (readLock(path)?.token === token) {
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(guard, { force: true });
  }
}

function lockOf(path: string, token: string, formerOrigin: string | undefined): JournalLock {
  return {
    formerOrigin,
    publish: (origin) => {
      // Renamed into place: nobody must read half an address.
      const next = `${path}.${token}`;
      writeFileSync(next, text({ token, pid: process.pid, origin }), { mode: 0o600 });
      renameSync(next, path);
    },
    release: () => {
      if (readLock(path)?.token === token) {
        rmSync(path, { force: true });
      }
    },
  };
}

/** Writes the lock where there is none; false when there is one. */
function create(path: string, content: LockFile): boolean {
  try {
    writeFileSync(path, text(content), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) {
      return false;
    }
    throw error;
  }
}

function text(content: LockFile): string {
  return `${JSON.stringify(content)}\n`;
}

/** The lock as it is; undefined when there is none. One that cannot be read belongs to nobody alive. */
function readLock(path: string): LockFile | undefined {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) {
      return undefined;
    }
    throw error;
  }
  try {
    const { token, pid, origin } = JSON.parse(content);
    return { token: String(token), pid: Number(pid), origin: typeof origin === "string" ? origin : null };
  } catch {
    // Created and not yet written: its process is between two system calls. Dead ones are told by their age.
    return { token: "", pid: (ageOf(path) ?? 0) > STARTING ? 0 : process.pid, origin: null };
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) {
    return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, "EPERM");
  }
}

function ageOf(path: string): number | undefined {
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return changed === undefined ? undefined : Date.now() - changed;
}

/** The journal's own path, links resolved, so that two names of one journal share its lock. */
export function realPath(journal: string): string {
  try {
    return realpathSync(journal);
  } catch {
    return join(realpathSync(dirname(journal)), basename(journal));
  }
}

// Errors of Node's own come from another realm where this runs in a VM context: no instanceof.
function isCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}

function nameOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "name" in error ? error.name : undefined;
}
