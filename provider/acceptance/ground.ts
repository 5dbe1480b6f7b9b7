import { randomUUID } from "node:crypto";
import { wait } from "../http/wait";
import type { Journal, Made } from "./made";
import { Unprepared } from "./probe";
import { type Json, type Reply, refusalOf, rowsOf, type Wire } from "./wire";

/** A mailbox that a run made for itself. */
export interface Disposable {
  /** Entra object id, for Graph. */
  id: string;
  /** Exchange's own id. Cmdlets get it: that they take the Entra id too is itself tried. */
  guid: string;
  address: string;
  alias: string;
}

/** Where disposable things are made. */
export interface Plot {
  domain: string;
  prefix: string;
}

/** First pause between two looks, and the longest one, in milliseconds. */
const PAUSES = { first: 200, longest: 5_000 };

/** What probes stand on: the services, and things of their own to try them with. */
export class Ground {
  readonly wire: Wire;
  /** What all things of this run carry. */
  readonly mark: string;
  readonly signal: AbortSignal;
  /** Longest wait for something to show, in milliseconds. */
  readonly settleTimeout: number;
  readonly #plot: Plot | undefined;
  readonly #journal: Journal;
  readonly #run = randomUUID().slice(0, 8);
  readonly #onces = new Map<unknown, Promise<unknown>>();
  #count = 0;

  constructor(wire: Wire, plot: Plot | undefined, journal: Journal, settleTimeout: number, signal: AbortSignal) {
    this.wire = wire;
    this.signal = signal;
    this.settleTimeout = settleTimeout;
    this.#plot = plot;
    this.#journal = journal;
    this.mark = `mailboxes acceptance ${this.#run}`;
  }

  /** A name that nothing else has: `PREFIX-1f3a9c0d-7`. */
  name(): string {
    if (this.#plot === undefined) {
      throw new Unprepared("needs --domain");
    }
    this.#count += 1;
    return `${this.#plot.prefix}-${this.#run}-${this.#count}`;
  }

  /** An address that nothing has. */
  address(name = this.name()): string {
    return `${name}@${this.#plot?.domain ?? ""}`;
  }

  /** What several probes need alike, made once. */
  once<T>(make: (ground: Ground) => Promise<T>): Promise<T> {
    const made = (this.#onces.get(make) as Promise<T> | undefined) ?? make(this);
    this.#onces.set(make, made);
    return made;
  }

  /** The mailbox of all probes that do not mind what others did to it. */
  mailbox(): Promise<Disposable> {
    return this.once(sharedMailbox);
  }

  /**
   * A new shared mailbox, visible in Exchange.
   *
   * @param parameters of New-Mailbox, over the usual ones.
   */
  async newMailbox(parameters: Json = {}): Promise<Disposable> {
    const { reply, mailbox } = await this.tryMailbox(parameters);
    if (mailbox === undefined) {
      throw new Unprepared(`a disposable mailbox was refused: ${refusalOf(reply).words}`);
    }
    await this.until("the mailbox to show", async () => {
      const found = await this.wire.cmdlet("Get-Mailbox", { Identity: mailbox.guid });
      return rowsOf(found).length === 1 ? found : undefined;
    });
    return mailbox;
  }

  /** Asks for a new shared mailbox; the refusal is an answer too. */
  async tryMailbox(parameters: Json = {}): Promise<{ reply: Reply; mailbox: Disposable | undefined; row: Json }> {
    const alias = this.name();
    const address = this.address(alias);
    const thing: Made = { kind: "mailbox", address, mark: this.mark };
    this.#note("making", thing);
    const reply = await this.wire.cmdlet("New-Mailbox", {
      Shared: true,
      Name: alias,
      Alias: alias,
      DisplayName: this.mark,
      PrimarySmtpAddress: address,
      ...parameters,
    });
    const row = rowsOf(reply)[0];
    const id = row?.ExternalDirectoryObjectId;
    const guid = row?.Guid;
    if (typeof id !== "string" || typeof guid !== "string") {
      if (reply.status < 500) {
        this.#note("removed", thing);
      }
      return { reply, mailbox: undefined, row: {} };
    }
    this.#note("made", { ...thing, id, guid });
    return { reply, mailbox: { id, guid, address, alias: String(row?.Alias ?? alias) }, row: row ?? {} };
  }

  /** Notes that a mailbox of this run has come back under another id. */
  cameBackAs({ address, guid }: Disposable, id: string): void {
    this.#note("made", { kind: "mailbox", address, mark: this.mark, id, guid });
  }

  /** A mailbox as Exchange shows it. */
  async mailboxRow({ guid }: Disposable): Promise<Json> {
    const reply = this.expect(await this.wire.cmdlet("Get-Mailbox", { Identity: guid }), "reading a mailbox");
    return rowsOf(reply)[0] ?? {};
  }

  /** Removes a mailbox before the end of the run, for probes on what was deleted; the journal keeps it. */
  async removeMailbox({ guid }: Disposable): Promise<void> {
    this.expect(await this.wire.cmdlet("Remove-Mailbox", { Identity: guid, Confirm: false }), "removing a mailbox");
  }

  /** A new row of Dataverse, under an id of our own. */
  async newRow(set: string, columns: Json): Promise<string> {
    const { id, reply } = await this.tryRow(set, columns);
    this.expect(reply, `making a row of ${set}`);
    return id;
  }

  /** Asks for a new row; the refusal is an answer too. Its name is the mark of the run unless the columns have one. */
  async tryRow(set: string, columns: Json): Promise<{ id: string; reply: Reply }> {
    const id = randomUUID();
    const thing: Made = { kind: "row", set, id, mark: this.mark };
    this.#note("making", thing);
    this.#count += 1;
    const body = { name: `${this.mark} ${this.#count}`, ...columns };
    const reply = await this.wire.dataverse("PATCH", `/${set}(${id})`, body, { headers: { "If-None-Match": "*" } });
    this.#note(reply.status >= 400 && reply.status < 500 ? "removed" : "made", thing);
    return { id, reply };
  }

  /** A row of Dataverse as it stands. */
  async row(set: string, id: string, select: string): Promise<Json> {
    const reply = await this.wire.dataverse("GET", `/${set}(${id})?$select=${select}`);
    return this.expect(reply, `reading a row of ${set}`).body ?? {};
  }

  /** Changes a row of Dataverse that this run made. */
  change(set: string, id: string, columns: Json): Promise<Reply> {
    return this.wire.dataverse("PATCH", `/${set}(${id})`, columns, { headers: { "If-Match": "*" } });
  }

  /** The answer, unless it is a refusal: then the probe cannot go on. */
  expect(reply: Reply, action: string): Reply {
    if (reply.status >= 400) {
      throw new Unprepared(`${action} was refused (HTTP ${reply.status}): ${refusalOf(reply).words}`);
    }
    return reply;
  }

  /**
   * Looks until there is something.
   *
   * @throws Unprepared when time is up.
   */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const found = await this.eventually(look);
    if (found === undefined) {
      throw new Unprepared(`waited ${Math.round(this.settleTimeout / 1000)} s for ${what}`);
    }
    return found;
  }

  /** Looks until there is something, or time is up: then undefined. */
  async eventually<T>(look: () => Promise<T | undefined>, atMost = this.settleTimeout): Promise<T | undefined> {
    const end = Date.now() + atMost;
    for (let pause = PAUSES.first; ; pause = Math.min(pause * 1.5, PAUSES.longest)) {
      const found = await look();
      if (found !== undefined || Date.now() + pause > end) {
        return found;
      }
      await wait(pause, this.signal, "waiting");
    }
  }

  #note(step: "making" | "made" | "removed", thing: Made): void {
    const { tenantId, environmentUrl } = this.wire;
    this.#journal.note({
      step,
      at: Date.now(),
      tenantId,
      ...(environmentUrl === undefined ? {} : { environmentUrl }),
      thing,
    });
  }
}

const sharedMailbox = (ground: Ground): Promise<Disposable> => ground.newMailbox();
