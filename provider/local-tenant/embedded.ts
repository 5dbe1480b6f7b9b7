import { connect } from "node:net";
import { JournalInUseError, ping } from "./lock";
import type { RunningTenant } from "./server";

/** A local tenant as a client uses it: served by this process, or by another one that holds the journal. */
export interface LocalTenant {
  /** Where it is served now. It changes only when its owner died and its port was taken by somebody else meanwhile. */
  readonly origin: string;
  /** Entra id of the tenant; undefined for one that was never seeded. */
  readonly tenantId: string | undefined;
  /** Like `origin`, after making sure that somebody answers there; takes the journal over from an owner that died. */
  current(): Promise<string>;
  /** Gives up the tenant: stops serving it if this process does. */
  close(): Promise<void>;
}

/**
 * Opens a local tenant for use in this process. An `http(s)://` URL is one being served: it has to answer. Anything else is the
 * path of a journal, made and seeded with `contoso` when there is none: served from inside this process (which may end all the
 * same), or by the process that already holds it. When that one ends, this one goes on where it listened.
 */
export async function openLocalTenant(pathOrUrl: string): Promise<LocalTenant> {
  if (/^https?:\/\//i.test(pathOrUrl)) {
    return await served(new URL(pathOrUrl).origin);
  }
  const opened = new Embedded(pathOrUrl);
  await opened.open();
  return opened;
}

async function tenantIdAt(origin: string): Promise<string | undefined> {
  const answer = await ping(origin);
  return typeof answer === "string" ? undefined : answer.tenantId;
}

async function served(origin: string): Promise<LocalTenant> {
  const answering = async () => {
    const answer = await ping(origin);
    if (typeof answer === "string") {
      throw new Error(
        `No local tenant answers at ${origin}. Start one with "mailboxes tenant serve", or give the path of its journal instead.`,
      );
    }
    return answer;
  };
  const current = async (): Promise<string> => {
    await answering();
    return origin;
  };
  const { tenantId } = await answering();
  return { origin, tenantId, current, close: () => Promise.resolve() };
}

class Embedded implements LocalTenant {
  readonly #journal: string;
  #own: RunningTenant | undefined;
  #origin = "";
  #tenantId: string | undefined;
  #isClosed = false;
  #opening: Promise<string> | undefined;
  #stopWatching = (): void => {};

  constructor(journal: string) {
    this.#journal = journal;
  }

  get origin(): string {
    return this.#origin;
  }

  get tenantId(): string | undefined {
    return this.#tenantId;
  }

  async open(): Promise<void> {
    this.#tenantId = await tenantIdAt(await this.current());
  }

  current(): Promise<string> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    await this.#opening?.catch(() => undefined);
    this.#stopWatching();
    await this.#own?.close();
    this.#own = undefined;
  }

  async #open(): Promise<string> {
    if (this.#isClosed) {
      throw new Error(`The local tenant ${this.#journal} was closed.`);
    }
    if (this.#own !== undefined) {
      return this.#own.origin;
    }
    try {
      // Loaded for a journal only: every other provider process starts a quarter of a second earlier without it.
      const { startLocalTenant } = await import("./server.js");
      this.#own = await startLocalTenant({ journal: this.#journal, seed: "contoso" });
      this.#own.unref();
      this.#stopWatching();
      this.#origin = this.#own.origin;
    } catch (error) {
      if (!(error instanceof JournalInUseError)) {
        throw error;
      }
      this.#origin = error.origin;
      this.#watch(error.origin);
    }
    return this.#origin;
  }

  /**
   * Notices the end of the owner by the end of a connection to it, so that this process serves its port before a client of ours
   * has given up. A failure to do so shows in the next call of `current`.
   */
  #watch(origin: string): void {
    this.#stopWatching();
    const { hostname, port } = new URL(origin);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.unref();
    socket.on("error", () => undefined);
    const reopen = (): void => {
      this.current().catch(() => undefined);
    };
    socket.once("close", reopen);
    this.#stopWatching = () => {
      socket.off("close", reopen);
      socket.destroy();
    };
  }
}
