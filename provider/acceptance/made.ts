import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { lastSeen } from "../services/waiting";
import { type Json, type Reply, refusalOf, rowsIn, Unprepared, type Wire } from "./wire";

/** Something that a run made and has to take away again. */
type Made =
  | { kind: "mailbox"; address: string; mark: string; id?: string; guid?: string }
  | { kind: "row"; set: string; id: string; mark: string };

/** One line of the journal. */
interface Line {
  /** "making" is written before the request: its answer may be lost. */
  step: "making" | "made" | "removed";
  /** When, in milliseconds since the epoch. */
  at: number;
  tenantId: string;
  environmentUrl?: string;
  thing: Made;
}

/** How long something whose making had no answer may take to appear, in milliseconds. */
const APPEARING = 10 * 60_000;

/**
 * The journal of everything that a run makes, in a file: written before a thing is made, so that what a crash leaves behind can be
 * removed later. The file is gone once all of it is.
 */
export class Journal {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** Whether an earlier run left something. */
  get isLeft(): boolean {
    return existsSync(this.file);
  }

  /** Writes a line down before anything else happens. */
  note(line: Line): void {
    appendFileSync(this.file, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
  }

  /** What is still there, the newest first: what was made later may need what was made before. */
  left(): Line[] {
    if (!this.isLeft) {
      return [];
    }
    const lines = readFileSync(this.file, "utf8")
      .split("\n")
      .flatMap((text) => {
        try {
          return text === "" ? [] : [JSON.parse(text) as Line];
        } catch {
          // The last line of a process that was killed while it wrote: its request was not sent yet.
          return [];
        }
      });
    const open = new Map<string, Line>();
    for (const line of lines) {
      const key = keyOf(line.thing);
      open.delete(key);
      if (line.step !== "removed") {
        open.set(key, line);
      }
    }
    return [...open.values()].reverse();
  }

  /** Ends the journal when nothing is left. */
  closeIfDone(): void {
    if (this.isLeft && this.left().length === 0) {
      rmSync(this.file);
    }
  }
}

function keyOf(thing: Made): string {
  return thing.kind === "mailbox" ? thing.address : `${thing.set}/${thing.id}`;
}

/** In words, for the plan and for complaints. */
export function described(thing: Made): string {
  return thing.kind === "mailbox" ? `the mailbox ${thing.address}` : `the row ${thing.id} of ${thing.set}`;
}

/**
 * Removes what a journal names, and nothing else: a thing must carry the mark of its run, and its id where that is known.
 *
 * @returns what could not be removed, with the reason; it stays in the journal.
 */
export async function cleanUp(journal: Journal, wire: Wire, say: (text: string) => void): Promise<string[]> {
  const complaints: string[] = [];
  for (const line of journal.left()) {
    const { thing, tenantId, environmentUrl } = line;
    if (tenantId !== wire.tenantId || (thing.kind === "row" && environmentUrl !== wire.environmentUrl)) {
      complaints.push(`${described(thing)} is in another tenant or environment than the one configured now`);
      continue;
    }
    try {
      const complaint =
        thing.kind === "mailbox" ? await removeMailbox(thing, wire, line) : await removeRow(thing, wire);
      if (complaint === undefined) {
        journal.note({ ...line, step: "removed", at: Date.now() });
        say(`removed ${described(thing)}`);
      } else {
        complaints.push(complaint);
      }
    } catch (error) {
      complaints.push(`${described(thing)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  journal.closeIfDone();
  return complaints;
}

function refused(thing: Made, what: string, reply: Reply): string {
  return `${described(thing)}: ${what} was refused (HTTP ${reply.status}): ${refusalOf(reply).words}`;
}

/** The mailbox and its account, also out of the recycle bin; what is gone already is done. */
async function removeMailbox(
  thing: Extract<Made, { kind: "mailbox" }>,
  wire: Wire,
  { at }: Line,
): Promise<string | undefined> {
  // A probe may have given its address away, so the id counts where it is known.
  const found = await wire.cmdlet(
    "Get-Mailbox",
    thing.guid === undefined ? { Filter: `EmailAddresses -eq '${thing.address}'` } : { Identity: thing.guid },
  );
  if (found.status >= 400 && !isNotFound(found)) {
    return refused(thing, "looking for it", found);
  }
  const rows = rowsIn(found);
  const own = rows.find((row) => isOwn(row.DisplayName, row.ExternalDirectoryObjectId, thing));
  if (own === undefined && rows.length > 0) {
    return `${thing.address} belongs to something that this command did not make; it was left alone`;
  }
  const id = thing.id ?? (own === undefined ? undefined : String(own.ExternalDirectoryObjectId));
  if (id === undefined) {
    return Date.now() - at < APPEARING
      ? `${thing.address} was asked for and is not to be seen; it may still appear: run --clean-up again in ten minutes`
      : undefined;
  }
  if (own !== undefined) {
    const removed = await wire.cmdlet("Remove-Mailbox", { Identity: String(own.Guid), Confirm: false });
    if (removed.status >= 400) {
      return refused(thing, "Remove-Mailbox", removed);
    }
  }
  return removeAccount(thing, id, wire);
}

/** The account, out of the recycle bin too. Where the application may not purge, it stays there for 30 days. */
async function removeAccount(
  thing: Extract<Made, { kind: "mailbox" }>,
  id: string,
  wire: Wire,
): Promise<string | undefined> {
  const select = "$select=id,displayName";
  // Graph may not have heard of Remove-Mailbox yet, or an account is left without its mailbox.
  const alive = await wire.graph("GET", `/users/${id}?${select}`);
  if (alive.status === 200 && isOwn(alive.body?.displayName, alive.body?.id, thing)) {
    const removed = await wire.graph("DELETE", `/users/${id}`);
    if (removed.status >= 400 && removed.status !== 404) {
      return refused(thing, "deleting its account", removed);
    }
  }
  const deleted = await wire.graph("GET", `/directory/deletedItems/microsoft.graph.user/${id}?${select}`);
  if (deleted.status === 200 && isOwn(deleted.body?.displayName, deleted.body?.id, thing)) {
    await wire.graph("DELETE", `/directory/deletedItems/${id}`);
  }
  return undefined;
}

/** The status of "not found" is itself assumed; the type of the exception is not. */
function isNotFound(reply: Reply): boolean {
  return reply.status === 404 || refusalOf(reply).words.includes("ManagementObjectNotFoundException");
}

function isOwn(displayName: unknown, id: unknown, thing: { mark: string; id?: string }): boolean {
  return displayName === thing.mark && (thing.id === undefined || thing.id === id);
}

async function removeRow(thing: Extract<Made, { kind: "row" }>, wire: Wire): Promise<string | undefined> {
  const { set, id, mark } = thing;
  const found = await wire.dataverse("GET", `/${set}(${id})?$select=name`);
  if (found.status === 404) {
    return undefined;
  }
  if (found.status >= 400) {
    return refused(thing, "looking for it", found);
  }
  if (!String(found.body?.name).startsWith(mark)) {
    return `${described(thing)} does not carry the mark of this command; it was left alone`;
  }
  let removed = await wire.dataverse("DELETE", `/${set}(${id})`);
  if (removed.status >= 400 && removed.status !== 404 && set === "mailboxes") {
    // Whether an active record may be deleted is itself assumed.
    await wire.dataverse("PATCH", `/${set}(${id})`, { statecode: 1, statuscode: 2 }, { headers: { "If-Match": "*" } });
    removed = await wire.dataverse("DELETE", `/${set}(${id})`);
  }
  return removed.status >= 400 && removed.status !== 404 ? refused(thing, "deleting it", removed) : undefined;
}

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
      return rowsIn(found).length === 1 ? found : undefined;
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
    const row = rowsIn(reply)[0];
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
    return rowsIn(reply)[0] ?? {};
  }

  /** Removes a mailbox before the end of the run, for probes on what was deleted; the journal keeps it. */
  async removeMailbox({ guid }: Disposable): Promise<void> {
    this.expect(await this.wire.cmdlet("Remove-Mailbox", { Identity: guid, Confirm: false }), "removing a mailbox");
  }

  /** A new row of Dataverse, under an id chosen here. */
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

  /**
   * Looks until there is something, and a last time when time is up. The settle timeout bounds it in any case.
   *
   * @returns undefined where there was nothing then.
   */
  eventually<T>(look: () => Promise<T | undefined>, atMost = this.settleTimeout): Promise<T | undefined> {
    const { settleTimeout, signal } = this;
    const nothing = () => undefined;
    return lastSeen(
      { what: "the service to show it", look, done: (found) => found !== undefined, atMost },
      { settleTimeout, signal, deadline: Number.POSITIVE_INFINITY, progress: nothing, warn: nothing },
    );
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
