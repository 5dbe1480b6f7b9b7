import { wait } from "../http/call";
import { ConflictError } from "../http/errors";
import { sameText } from "../http/json";
import type { IncomingMethod } from "../services/dataverse";
import { Claims, MailFlow, nameOf, recipientName } from "./claims";
import { type Operation, shortHash } from "./kind";

/**
 * What the resources of this deployment declare, by object id. What another resource still declares is never taken away. This matters
 * when a resource is renamed without an alias: Pulumi creates it under the new name first, then deletes it under the old one.
 */
export class Registry {
  /** Declared thing → URNs of the resources that declare it. */
  readonly #declared = new Map<string, Set<string>>();
  /** Thing → the value that each resource declares for it, by URN. */
  readonly #values = new Map<string, Map<string, string>>();
  readonly #addresses = new Map<string, string>();
  readonly #feeds = new Map<string, Feed>();
  /** Ids of mailboxes whose permission list a resource is going to take entries out of, by URN. */
  readonly #leaving = new Map<string, string>();
  /** What programs call their mailboxes, by URN. */
  readonly #announced = new Map<
    string,
    { primarySmtpAddress: string | undefined; alias: string | undefined; further: readonly string[] | undefined }
  >();
  /** Aliases that were chosen for new mailboxes → URN. */
  readonly #aliases = new Map<string, string>();
  readonly #givenUp = new Map<string, GivenUp>();
  readonly #takenOff = new Set<string>();
  /** By which address each resource names the mailbox that it is on, by URN. */
  readonly #named = new Map<string, { address: string; mailboxId: string }>();
  /** URNs of resources whose mailbox this deployment deleted. */
  readonly #deleted = new Set<string>();
  readonly #locks = new Map<string, Promise<unknown>>();
  /**
   * The incoming method that each mailbox record had before this program set it to Forward Mailbox. Several resources may use one
   * record; the last to let go of it puts the method back.
   */
  readonly formerMethods = new Map<string, IncomingMethod>();
  /** What the inputs of its resources claim. */
  readonly claims = new Claims();
  /** Which of its resources were born with which URN. */
  readonly births = new Births();
  /** Where its resources send mail on. */
  readonly mailFlow = new MailFlow(this.claims);
  /** Mailboxes that this deployment takes away. */
  readonly removals = new Removals(this.claims, (thing) => this.isDeclared(thing));

  /** Notes that a resource declares something, e.g. `grant/<mailbox id>/<trustee id>`. */
  declare(thing: string, by: { urn: string }): void {
    const key = thing.toLowerCase();
    const owners = this.#declared.get(key) ?? new Set();
    owners.add(by.urn);
    this.#declared.set(key, owners);
  }

  /** Whether any resource declares something. */
  isDeclared(thing: string): boolean {
    return (this.#declared.get(thing.toLowerCase())?.size ?? 0) > 0;
  }

  /** Whether a resource other than `by` declares something. */
  isDeclaredByAnother(thing: string, by: { urn: string }): boolean {
    return this.declaredBy(thing, by) !== undefined;
  }

  /** The resource other than `by` that declares something, as `the SharedMailbox "support"`; undefined where none does. */
  declaredBy(thing: string, by: { urn: string }): string | undefined {
    const other = [...(this.#declared.get(thing.toLowerCase()) ?? [])].find((urn) => urn !== by.urn);
    return other === undefined ? undefined : nameOf(other);
  }

  /** Notes that the program reads an object, under a resource's name, without declaring it. */
  noteRead(id: string, by: { urn: string }): void {
    this.declare(readThing(id), by);
  }

  /** Whether the program reads an object under this resource's name. */
  isRead(id: string, by: { urn: string }): boolean {
    return this.#declared.get(readThing(id).toLowerCase())?.has(by.urn) === true;
  }

  /** Notes the value that a resource declares for something only one of them can decide. */
  declareValue(thing: string, value: string, by: { urn: string }): void {
    const values = this.#values.get(thing.toLowerCase()) ?? new Map<string, string>();
    values.set(by.urn, value);
    this.#values.set(thing.toLowerCase(), values);
  }

  /** The value that a resource other than `by` declares for something, and that resource's name; undefined where none does. */
  valueOfAnother(thing: string, by: { urn: string }): { value: string; name: string } | undefined {
    const [urn, value] = [...(this.#values.get(thing.toLowerCase()) ?? [])].find(([other]) => other !== by.urn) ?? [];
    return urn === undefined || value === undefined ? undefined : { value, name: nameOf(urn) };
  }

  /** What is known of the resources of this deployment that collect the mail of others, by URN. */
  get feeds(): ReadonlyMap<string, Feed> {
    return this.#feeds;
  }

  /**
   * Notes which mailboxes a resource collects from.
   *
   * @param from all ways to write them that are known.
   */
  feed(by: { urn: string }, from: readonly string[]): void {
    this.#feeds.set(by.urn, { from });
  }

  /** Whether a resource other than `by` collects this address and has not finished setting up its sources. */
  isFeeding(address: string, by: { urn: string }): boolean {
    return [...this.#feeds].some(
      ([urn, { from, isSettled }]) => urn !== by.urn && isSettled !== true && from.includes(address),
    );
  }

  /** Notes that a resource is going to take entries out of a mailbox's permission list. */
  willMakeRoom(mailboxId: string, by: { urn: string }): void {
    this.#leaving.set(by.urn, mailboxId.toLowerCase());
  }

  /** Whether a resource other than `by` is still going to take entries out of a mailbox's permission list. */
  isMakingRoom(mailboxId: string, by: { urn: string }): boolean {
    return [...this.#leaving].some(([urn, id]) => urn !== by.urn && id === mailboxId.toLowerCase());
  }

  /** Notes that a resource has done what others wait for, or has failed to: set up its sources, taken its entries away. */
  settle(by: { urn: string }): void {
    this.#leaving.delete(by.urn);
    const feed = this.#feeds.get(by.urn);
    if (feed !== undefined) {
      this.#feeds.set(by.urn, { ...feed, isSettled: true });
    }
  }

  /** Notes that a mailbox is declared to have an address. While a deployment changes it, the old and the new one mean the same. */
  declareAddress(address: string, mailboxId: string): void {
    this.#addresses.set(address.toLowerCase(), mailboxId);
    this.claims.learn(recipientName(address), recipientName(mailboxId));
  }

  /** The mailbox that a resource of this deployment declares to have an address, by id; undefined where none is known to. */
  declaredFor(address: string): string | undefined {
    return this.#addresses.get(address.toLowerCase());
  }

  /** Whether a mailbox of the program gives an address up, and another one of the program gets it: from now on the other one is meant. */
  isPassedOn(address: string, mailboxId: string): boolean {
    const given = this.givenUp(address);
    if (given === undefined || !sameText(given.mailboxId, mailboxId)) {
      return false;
    }
    const key = address.toLowerCase();
    return [...this.#announced].some(
      ([urn, { primarySmtpAddress, further = [] }]) =>
        urn !== given.urn && [primarySmtpAddress, ...further].includes(key),
    );
  }

  /**
   * Whether a mailbox was replaced: its address stands for another one now, and nobody declares the first any more.
   */
  isTakenOver(address: string, mailboxId: string): boolean {
    const declared = this.#addresses.get(address.toLowerCase());
    return declared !== undefined && !sameText(declared, mailboxId) && !this.isDeclared(mailboxThing(mailboxId));
  }

  /**
   * Notes the names that a program gives a mailbox, before anything is known of the tenant. Other mailboxes of the program do not
   * choose them as an alias.
   *
   * @param further the further addresses in the order in which the program has them.
   */
  announce(
    names: {
      primarySmtpAddress: string | undefined;
      alias: string | undefined;
      further: readonly string[] | undefined;
    },
    by: { urn: string },
  ): void {
    this.#announced.set(by.urn, names);
  }

  /** The further addresses of a mailbox in the order in which the program has them; undefined when it was not announced. */
  furtherAddresses({ urn }: { urn: string }): readonly string[] | undefined {
    return this.#announced.get(urn)?.further;
  }

  /**
   * Takes an alias for a new mailbox, unless another resource of this deployment has or wants it.
   *
   * @param addresses those that come with the alias.
   * @returns whether it is this one's.
   */
  takeAlias(alias: string, addresses: readonly string[], { urn }: { urn: string }): boolean {
    const key = alias.toLowerCase();
    const isWanted = [...this.#announced].some(
      ([other, { primarySmtpAddress = "", alias: declared, further = [] }]) =>
        other !== urn &&
        (declared?.toLowerCase() === key || addresses.some((one) => [primarySmtpAddress, ...further].includes(one))),
    );
    const owner = this.#aliases.get(key) ?? urn;
    if (isWanted || owner !== urn) {
      return false;
    }
    this.#aliases.set(key, urn);
    return true;
  }

  /** Notes that a mailbox had an address by this program and has it no more. */
  giveUp(address: string, given: GivenUp): void {
    this.#givenUp.set(address.toLowerCase(), given);
  }

  /** Notes that a resource names the mailbox that it is on by an address. */
  nameMailbox(address: string, mailboxId: string, { urn }: { urn: string }): void {
    this.#named.set(urn, { address: address.toLowerCase(), mailboxId });
  }

  /** URNs of resources that name a mailbox by an address that goes to another one, with that address: they were looked at too early. */
  namedTooEarly(mailboxId: string): [urn: string, address: string][] {
    return [...this.#named].flatMap(([urn, named]): [string, string][] =>
      sameText(named.mailboxId, mailboxId) && this.isPassedOn(named.address, mailboxId) ? [[urn, named.address]] : [],
    );
  }

  /** Which mailbox of the program gives an address up in this deployment. */
  givenUp(address: string): GivenUp | undefined {
    return this.#givenUp.get(address.toLowerCase());
  }

  /** Whether any mailbox of the program gives an address up. */
  get movesAddresses(): boolean {
    return this.#givenUp.size > 0;
  }

  /** Notes addresses that this deployment took off something: Exchange may refuse them elsewhere for up to an hour. */
  noteTakenOff(addresses: readonly string[]): void {
    for (const address of addresses) {
      this.#takenOff.add(address.toLowerCase());
    }
  }

  /** Whether this deployment took one of the addresses off something. */
  hasTakenOff(addresses: readonly string[]): boolean {
    return addresses.some((address) => this.#takenOff.has(address.toLowerCase()));
  }

  /** Notes that this deployment deleted a resource's mailbox. */
  noteDeleted({ urn }: { urn: string }): void {
    this.#deleted.add(urn);
  }

  /** Whether this creation is half of a replacement: this deployment has deleted the resource's mailbox, and its preview showed both. */
  isReplaced({ urn }: { urn: string }): boolean {
    return this.#deleted.has(urn);
  }

  /** Runs work on one thing only after earlier work on it has ended. Permission lists are written by one resource at a time. */
  async exclusively<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(thing) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#locks.set(
      thing,
      mine.catch(() => undefined),
    );
    return mine;
  }
}

/** A mailbox that gives an address up. */
interface GivenUp {
  mailboxId: string;
  urn: string;
  /** Whether the address stays with it where nobody takes it, as an address that is not declared. */
  isKept: boolean;
}

/** The mailboxes whose mail a resource collects. */
interface Feed {
  from: readonly string[];
  /** Whether its sources are set up. */
  isSettled?: boolean;
}

/** The registry's name for a mailbox. */
export const mailboxThing = (id: string): string => `mailbox/${id}`;
/** The registry's name for an object that the program reads and does not declare. */
export const readThing = (id: string): string => `read/${id}`;
/** The registry's name for having members declared on a mailbox. */
export const membersThing = (mailboxId: string): string => `members/${mailboxId}`;
/** The registry's name for a trustee's rights on a mailbox. */
export const grantThing = (mailboxId: string, trusteeId: string): string => `grant/${mailboxId}/${trusteeId}`;
/** The registry's name for a source that feeds a collecting address. */
export const sourceThing = (sourceId: string, address: string): string => `source/${sourceId}/${address}`;
/** The registry's name for a row of Dataverse. */
export const rowThing = (id: string): string => `row/${id}`;
/** The registry's name for a property of a mailbox record, which only one resource can decide. */
export const recordThing = (recordId: string, property: string): string => `record/${recordId}/${property}`;
/** The registry's name for changes of a mailbox record, which must not happen while it is tested. */
export const testThing = (recordId: string): string => `test/${recordId}`;

/** How long the engine may take between two of the deletions that it sends side by side, in milliseconds. */
const BETWEEN = 400;
/** Longest wait for more of them, in milliseconds. */
const LONGEST = 5_000;
/** Longest wait for other deletions that take up the engine's places meanwhile, in milliseconds. */
const LONGEST_FOR_OTHERS = 60_000;

/** The two halves of a mailbox's removal: its membership, then itself. */
type Half = "members" | "mailbox";

/**
 * The mailboxes that one deployment takes away from people: deletes, or leaves without the membership that this program declared.
 * They are counted before the first of them goes. The engine sends deletions side by side, as many as its `--parallel` says: first all
 * memberships, then all mailboxes. So each is held for a moment, until no more arrive and no other deletion takes up a place. Over the limit
 * none of them happens.
 *
 * What is not known: deletions that the engine has not sent yet, unless a refresh in the same deployment saw the mailbox. A limit
 * above the engine's parallelism is therefore reached in waves, and so is one that only the mailboxes without a membership pass: what
 * went in the waves before has happened.
 */
class Removals {
  readonly #claims: Claims;
  readonly #isDeclared: (thing: string) => boolean;
  /** Mailboxes that were asked for in this deployment, by object id: those that went and those that were refused. */
  readonly #asked = new Set<string>();
  readonly #admitted = new Set<string>();
  /** Mailboxes that a refresh of this deployment saw in the state, with what is declared of them while they stay in the program. */
  readonly #seen = new Map<string, Set<string>>();
  #gathering: Promise<void> | undefined;
  /** URNs of resources that are being deleted and take no mailbox away: while they last, the engine may hold back some that do. */
  readonly #others = new Set<string>();

  /** @param isDeclared whether any resource of the program declares something. */
  constructor(claims: Claims, isDeclared: (thing: string) => boolean) {
    this.#claims = claims;
    this.#isDeclared = isDeclared;
  }

  /** Notes a mailbox that a refresh saw, and that goes with its resource. */
  see(mailboxId: string, thing: string): void {
    const id = mailboxId.toLowerCase();
    this.#seen.set(id, new Set([...(this.#seen.get(id) ?? []), thing]));
  }

  /** Runs the deletion of any resource. Until it asks whether a mailbox may go, it is taken for one that takes none away. */
  async during<T>(urn: string, work: () => Promise<T>): Promise<T> {
    this.#others.add(urn);
    try {
      return await work();
    } finally {
      this.#others.delete(urn);
    }
  }

  /**
   * Returns once a mailbox may go.
   *
   * @param action what is being done, for the error.
   * @param operation that of the resource which goes.
   * @throws ConflictError when the deployment takes away more than the limit; then none of those that were held together goes.
   */
  async admit(
    mailboxId: string,
    half: Half,
    action: string,
    { origin: { urn }, limits, signal }: Pick<Operation, "origin" | "limits" | "signal">,
  ): Promise<void> {
    const limit = limits.maxMailboxDeletes;
    // Where its resource is in the program and is replaced, the engine has not looked at the whole program yet.
    const isReplaced = this.#claims.isPresent(urn);
    this.#others.delete(urn);
    const id = mailboxId.toLowerCase();
    if (this.#admitted.has(`${half} ${id}`)) {
      return;
    }
    this.#asked.add(id);
    this.#gathering ??= this.#gather(action, signal).finally(() => {
      this.#gathering = undefined;
    });
    await this.#gathering;
    // Counted now: one that came in at the very end is among them.
    const count = new Set([...this.#asked, ...(isReplaced ? [] : this.#leaving())]).size;
    if (count > limit) {
      const isHalfGone = half === "mailbox" && this.#admitted.has(`members ${id}`);
      throw new ConflictError({
        action,
        words: `this deployment takes away ${count} mailboxes or more, and mailboxes:maxMailboxDeletes is ${limit}`,
        nextStep: `${
          isHalfGone
            ? "It was not deleted. The members that this program declared have lost their access: their membership went before the others were known."
            : "Nothing of this one was deleted, and nobody lost access to it."
        } If all of it is meant, run the command again with MAILBOXES_MAX_MAILBOX_DELETES=${count} in its environment.`,
      });
    }
    this.#admitted.add(`${half} ${id}`);
  }

  /** Mailboxes that a refresh saw and no resource of the program declares. */
  #leaving(): string[] {
    return [...this.#seen].flatMap(([id, things]) => ([...things].some(this.#isDeclared) ? [] : [id]));
  }

  /** Returns once no more are asked for. */
  async #gather(action: string, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    let [seen, isPlaceTaken] = [0, false];
    while (
      (seen < this.#asked.size && Date.now() < began + LONGEST) ||
      (isPlaceTaken && Date.now() < began + LONGEST_FOR_OTHERS)
    ) {
      seen = this.#asked.size;
      isPlaceTaken = this.#others.size > 0;
      await wait(BETWEEN, signal, action);
      isPlaceTaken ||= this.#others.size > 0;
    }
  }
}

/** A resource of the program. */
interface Resource {
  /** Its inputs, as a mark. */
  inputs: string;
  /** Whether this deployment has begun to make it. */
  isMade: boolean;
  /** The state that its inputs were compared with, as a mark, and whether they differed. */
  compared?: { state: string; isChanged: boolean };
}

/**
 * Which resources of the program were born with which URN. A resource keeps that URN when it is renamed with an alias or by `pulumi state
 * rename`. A new resource under the name that became free is then born with the same one, and is not the same.
 */
class Births {
  /** URN of birth → the resources by their URN in this program. */
  readonly #born = new Map<string, Map<string, Resource>>();

  /** Notes a resource of the program, with its inputs as they were checked. */
  note(born: string, urn: string, inputs: unknown): void {
    const urns = this.#born.get(born) ?? new Map<string, Resource>();
    this.#born.set(born, urns.set(urn, { isMade: false, ...urns.get(urn), inputs: markOf(inputs) }));
  }

  /** Notes that a resource is about to be made. */
  make(born: string, urn: string): void {
    const one = this.#born.get(born)?.get(urn);
    if (one !== undefined) {
      one.isMade = true;
    }
  }

  /** Notes that the inputs of a resource were compared with its state. */
  compare(born: string, urn: string, state: unknown, isChanged: boolean): void {
    const one = this.#born.get(born)?.get(urn);
    if (one !== undefined) {
      one.compared = { state: markOf(state), isChanged };
    }
  }

  /**
   * The URN that a resource has in this program. One that the program does not have has that of its birth.
   *
   * @param inputs as they are deployed, where they are known: they tell two of one birth apart.
   */
  urnOf(born: string, inputs: () => unknown): string {
    const [first, ...others] = this.#born.get(born) ?? [];
    if (first === undefined || others.length === 0) {
      return first?.[0] ?? born;
    }
    const mark = markOf(inputs());
    return [first, ...others].find(([, one]) => one.inputs === mark)?.[0] ?? born;
  }

  /**
   * The URN by which others know a resource that is deleted: that in the program where it is replaced, and one of its own where it left
   * the program and only its birth is that of another one.
   *
   * @param state the state that is deleted.
   */
  urnOfDeleted(born: string, state: unknown): string {
    const urns = [...(this.#born.get(born) ?? [])];
    if (urns.length === 0) {
      return born;
    }
    const mark = markOf(state);
    // A replacement deletes before it makes. One that is forced is not compared.
    const replaced =
      urns.find(([, { compared }]) => compared?.state === mark && compared.isChanged) ??
      urns.find(([, { compared, isMade }]) => compared === undefined && !isMade);
    return replaced?.[0] ?? `${born} (former)`;
  }
}

/** A short text that is the same for values that are the same as JSON, in whatever order their members stand. */
function markOf(value: unknown): string {
  return shortHash(
    JSON.stringify(value, (_key, one: unknown) =>
      typeof one === "object" && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
        : one,
    ) ?? "",
  );
}
