import DataLoader from "dataloader";
import { unless } from "../../http/errors";
import type { AddressHolder } from "../../services/graph";
import { INITIAL_DOMAIN } from "../../services/mailboxes";
import { describe, hasName, type Recipient, type RecipientName } from "../../services/recipients";
import type { Services } from "../../services/services";
import { sameText } from "../../services/text";

/** Somebody who has an address or an alias: a recipient of Exchange, or an account of Entra that is none. */
export interface Holder {
  /** Entra object id; "" for a mail contact. */
  id: string;
  words: string;
  isDeleted: boolean;
  /** As Exchange prints it; undefined for anything that is not a recipient. */
  recipientTypeDetails?: string;
  /** Lower case; undefined for what is no recipient of Exchange. */
  primarySmtpAddress: string | undefined;
  /** When the account was made, ISO 8601, where Entra alone shows it. */
  createdAt?: string;
  /** Whether it was found by its alias. */
  isByAlias?: true;
}

/**
 * Who has names that a mailbox is to get. Names that are asked for at the same time share a question, and each is asked for once: the steps
 * of a creation build on one answer. Exchange has the last word: it refuses a name that somebody took meanwhile.
 */
export class NameHolders {
  readonly #services: Services;
  readonly #recipients: DataLoader<RecipientName, Recipient[], string>;
  readonly #accounts: DataLoader<string, AddressHolder[]>;

  constructor(services: Services) {
    this.#services = services;
    this.#recipients = new DataLoader(
      async (names: readonly RecipientName[]) => {
        const found = await services.recipients.withNames(names);
        return names.map((name) => found.filter((recipient) => hasName(recipient, name)));
      },
      { cacheKeyFn: ({ column, name }) => `${column} ${name.toLowerCase()}` },
    );
    this.#accounts = new DataLoader(async (addresses: readonly string[]) => {
      // Without the right to look, Exchange's own refusal is left, which changes nothing either.
      const found = (await unless(services.graph.holdersOf(addresses), "forbidden")) ?? [];
      return addresses.map((address) => found.filter((account) => account.addresses.includes(address)));
    });
  }

  /** The recipients that have an address. */
  recipients(address: string): Promise<Recipient[]> {
    return this.#recipients.load({ column: "address", name: address });
  }

  /** Who has an address besides `own`: recipients first, then accounts that are not recipients, deleted ones last. */
  async of(address: string, own: string | undefined): Promise<Holder[]> {
    const [found, accounts] = await Promise.all([this.recipients(address), this.#accounts.load(address)]);
    const known = found.map(holderOf);
    const others = accounts
      .filter(({ id }) => !known.some((one) => sameText(one.id, id)))
      .map(({ id, words, isDeleted, createdAt }) => ({
        id,
        words,
        isDeleted,
        createdAt,
        primarySmtpAddress: undefined,
      }));
    return [...known, ...others].filter(({ id }) => own === undefined || !sameText(id, own));
  }

  /** Who else than `own` has an alias, or one of the addresses and the sign-in name that come with it. */
  async ofAlias(alias: string, own: string | undefined): Promise<Holder[]> {
    const domains = await domainsOfAliases(this.#services);
    const [byAlias, ...byAddress] = await Promise.all([
      this.#recipients.load({ column: "alias", name: alias }),
      ...domains.map((domain) => this.of(`${alias.toLowerCase()}@${domain}`, own)),
    ]);
    const found = byAlias.filter(({ id }) => own === undefined || !sameText(id, own));
    const holders = found.map((one): Holder => ({ ...holderOf(one), isByAlias: true }));
    return [...holders, ...byAddress.flat()].sort((a, b) => Number(a.isDeleted) - Number(b.isDeleted));
  }
}

function holderOf(recipient: Recipient): Holder {
  const { id, primarySmtpAddress, recipientTypeDetails } = recipient;
  return { id, words: describe(recipient), isDeleted: false, primarySmtpAddress, recipientTypeDetails };
}

/** The domains in which Exchange gives a new mailbox its alias as an address: the default one, with the sign-in name, and the initial one. */
export async function domainsOfAliases({ mailboxes }: Pick<Services, "mailboxes">): Promise<string[]> {
  const domains = [...((await mailboxes.acceptedDomains()) ?? [])];
  return domains.filter(([name, { isDefault }]) => isDefault || INITIAL_DOMAIN.test(name)).map(([name]) => name);
}
